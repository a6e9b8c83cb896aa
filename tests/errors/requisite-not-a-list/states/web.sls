web:
  test.nop:
    - require: other
other: test.nop
