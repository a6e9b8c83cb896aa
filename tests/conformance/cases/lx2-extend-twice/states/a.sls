include:
  - c
  - b
extend:
  b1:
    test:
      - require:
        - test: a1
a1:
  test.nop
