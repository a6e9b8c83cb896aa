include: [b]
extend:
  x:
    test:
      - names: [n1, n2]
      - comment: c
