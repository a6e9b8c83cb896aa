include: [d]
extend:
  d:
    file:
      - contents: from c
      - mode: "0600"
