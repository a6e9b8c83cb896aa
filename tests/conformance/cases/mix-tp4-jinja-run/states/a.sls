a:
  file.managed:
    - name: @ROOT@/a
    - source: salt://t
    - template: jinja
