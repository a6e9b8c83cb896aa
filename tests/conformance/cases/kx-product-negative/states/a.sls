"{{ [1,2]|product(repeat=-1)|list }}":
  test.nop
