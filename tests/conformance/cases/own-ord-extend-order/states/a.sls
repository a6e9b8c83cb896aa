include:
  - b
extend:
  b2:
    test:
      - order: 1
