include: [b]
extend:
  f:
    file:
      - context:
          a: 2
      - defaults:
          z: 1
