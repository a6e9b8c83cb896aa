x:
  test.nop:
    - require: ''
