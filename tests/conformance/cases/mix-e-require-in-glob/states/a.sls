a:
  test.nop:
    - require_in:
      - test: "b*"
b1:
  test.nop: []
