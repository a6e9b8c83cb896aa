web:
  test.nop: [{a: 1, b: 2]
other: test.nop
