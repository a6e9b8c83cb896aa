web:
  test.nop:
    - a: 1
  test.nop:
    - a: 2
