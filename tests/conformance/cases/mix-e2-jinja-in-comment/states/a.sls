# {{ undefined_here }}
a:
  test.nop: []
