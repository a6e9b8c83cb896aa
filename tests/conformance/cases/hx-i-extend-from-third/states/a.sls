include: [b, c]
a: {test: [nop]}
extend:
  c1:
    test:
      - require:
        - test: a
