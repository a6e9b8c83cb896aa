include: [b]
extend:
  f:
    test:
      - names: [n1, n2]
