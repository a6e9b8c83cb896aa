f:
  file.managed:
    - name: @ROOT@/f
    - source: salt://t
    - template: jinja
