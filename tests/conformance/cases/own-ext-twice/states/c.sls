include: [b]
extend:
  f:
    file:
      - contents: from c
      - mode: '0640'
