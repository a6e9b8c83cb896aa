include:
  - b
extend:
  b1:
    test:
      - require:
        - test: c1
c1:
  test.nop
