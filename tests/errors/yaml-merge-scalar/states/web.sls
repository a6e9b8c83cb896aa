base: &b
  test.nop: []
web:
  <<: b
