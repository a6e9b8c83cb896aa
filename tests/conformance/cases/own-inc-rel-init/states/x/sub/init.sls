include:
  - .leaf
  - ..sib
sub:
  test.nop: []
