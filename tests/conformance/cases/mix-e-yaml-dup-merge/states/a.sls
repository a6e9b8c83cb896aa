d: &d {x: 1}
a:
  <<: *d
  test.nop: []
