a1:
  test.nop:
    - watch:
      - test: a1
