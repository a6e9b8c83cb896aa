a:
  test.nop:
    - require_in:
      - nope: b
b:
  test.nop: []
