f:
  file.managed:
    - name: @ROOT@/f
    - source: salt://c.j2
    - template: jinja
