a:
  test.nop:
    - use:
      - test: nowhere
