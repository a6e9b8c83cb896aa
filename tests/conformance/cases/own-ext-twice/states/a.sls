include: [b, c]
extend:
  f:
    file:
      - contents: from a
