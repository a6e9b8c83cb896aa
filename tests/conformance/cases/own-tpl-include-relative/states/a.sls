f:
  file.managed:
    - name: @ROOT@/f
    - source: salt://d/t.j2
    - template: jinja
