x:
  test.nop:
    - comment: *later
y:
  test.nop:
    - comment: &later hi
