a:
  test.nop:
  - name: x
  - require:
    - test: b
b:
  test.nop: []
