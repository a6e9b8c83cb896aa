x:
  test.nop: []
# {{ undefined_thing }}
