a:
  test.nop:
    - prereq: [test: zz]
