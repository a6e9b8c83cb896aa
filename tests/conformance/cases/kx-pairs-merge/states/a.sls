x:
  test.nop:
    - a: !!pairs [<<: {a: 1}]
