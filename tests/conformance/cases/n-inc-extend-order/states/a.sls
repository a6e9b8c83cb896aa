include:
  - c
  - b
extend:
  b1:
    test:
      - require:
        - test: own
own:
  test.nop:
    - order: last
