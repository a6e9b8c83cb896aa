f:
  file.managed:
    - name: @ROOT@/f
    - source: salt://t.j2
    - template: jinja
