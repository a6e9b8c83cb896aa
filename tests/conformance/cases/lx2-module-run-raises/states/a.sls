a:
  module.run:
    - test.exception:
b:
  module.run:
    - test.exception:
      - message: boom
    - test.echo:
      - text: x
c:
  module.run:
    - name: test.exception
d:
  module.run:
    - test.false:
