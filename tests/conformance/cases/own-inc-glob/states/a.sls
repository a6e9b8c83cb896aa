include:
  - parts.*
a1:
  test.nop: []
