src:
  test.nop: []
b1:
  test.nop:
    - require_any: src
