a:
  test.nop:
    - order: foo
b:
  test.nop:
    - order: []
c:
  test.nop:
    - order: 1.5
d:
  test.nop:
    - order: "2"
