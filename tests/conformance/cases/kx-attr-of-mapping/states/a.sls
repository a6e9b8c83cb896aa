"{{ {'a': 1}|attr('a') is defined }} {{ {'a': 1}|attr('items') is defined }}":
  test.nop
