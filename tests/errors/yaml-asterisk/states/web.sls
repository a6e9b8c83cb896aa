web:
  test.nop:
    - tgt: *web
