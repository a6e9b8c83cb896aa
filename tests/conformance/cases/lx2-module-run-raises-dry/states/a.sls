a:
  module.run:
    - test.exception:
c:
  module.run:
    - name: test.exception
