include:
  - ..w
  - .v
  - ...top1
zz:
  test.nop
