a1:
  test.nop:
    - onchanges:
      - test: a1
