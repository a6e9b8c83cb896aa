include: [b]
extend:
  f:
    file.managed:
      - contents: dotted
