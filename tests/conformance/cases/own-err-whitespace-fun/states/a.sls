x:
  test:
    - nop it
