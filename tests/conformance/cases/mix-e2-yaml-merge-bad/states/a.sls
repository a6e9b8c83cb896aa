a:
  <<: 5
  test.nop: []
