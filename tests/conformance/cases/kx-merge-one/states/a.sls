a: &d
  test.nop:
    - comment: x
b:
  <<: *d
