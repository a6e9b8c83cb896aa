
include: [b]
x:
  test.nop: []
extend:
  p:
    test.nop:
      - order: last
  q:
    test.nop:
      - order: first
