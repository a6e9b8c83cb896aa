
a:
  test.nop: []
b:
  test.nop: []
c:
  test.nop:
    - require:
      - test: a
        cmd: b
