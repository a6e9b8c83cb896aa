include: [b]
extend:
  x:
    test: &l
      - require: [test: z]
  y:
    test: *l
z: test.nop
