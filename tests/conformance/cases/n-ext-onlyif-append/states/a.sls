include: [b]
extend:
  x:
    cmd:
      - onlyif: 'false'
      - unless: 'true'
  y:
    cmd:
      - onlyif:
        - 'false'
