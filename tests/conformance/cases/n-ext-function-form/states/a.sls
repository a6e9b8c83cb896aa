include: [b]
extend:
  f:
    file.absent: []
  g:
    file.managed:
      - contents: ext
  h:
    file.managed:
      - mode: '0600'
