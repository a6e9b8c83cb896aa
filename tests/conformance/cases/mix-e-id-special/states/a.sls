"a/b c:d":
  test.nop: []
"@#%":
  test.nop: []
"{x}":
  test.nop: []
