c:
  test.nop:
    - require: &r [test: z]
d:
  cmd.run:
    - name: echo
    - require: *r
z:
  test.nop
