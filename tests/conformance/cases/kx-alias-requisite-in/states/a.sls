x:
  test.nop:
    - require_in: &l [test: y, test: z]
w:
  test.nop:
    - require_in: *l
y: test.nop
z: test.nop
