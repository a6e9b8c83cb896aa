x:
  test:
    - {nop: {}}
