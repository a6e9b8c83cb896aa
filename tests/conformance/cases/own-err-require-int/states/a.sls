x:
  test.nop:
    - require: 5
