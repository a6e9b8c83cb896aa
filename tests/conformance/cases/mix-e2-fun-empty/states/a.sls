a:
  test.: []
