f:
  file.recurse:
    - name: @ROOT@/d
    - source: salt://d
    - template: jinja
    - context: {v: 1}
    - file_mode: keep
