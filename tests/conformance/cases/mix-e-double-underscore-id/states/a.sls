__x:
  test.nop: []
_y:
  test.nop: []
__id__:
  test.nop: []
