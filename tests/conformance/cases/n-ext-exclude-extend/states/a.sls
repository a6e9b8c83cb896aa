include: [b]
exclude:
  - id: b1
extend:
  b2:
    test:
      - require:
        - test: b1
