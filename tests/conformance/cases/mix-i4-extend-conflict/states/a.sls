include: [b]
extend:
  x:
    file.managed:
      - mode: "0600"
    test.nop: []
