x:
  test.nop:
    - require:
      - [test, y]
