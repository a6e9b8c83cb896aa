include:
  - b
c1:
  test.nop:
    - order: 10001
