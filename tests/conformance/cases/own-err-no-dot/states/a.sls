x:
  test: []
