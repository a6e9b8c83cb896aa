y:
  test.nop: []
x:
  test.nop:
    - require:
      - test: y
      name: z
