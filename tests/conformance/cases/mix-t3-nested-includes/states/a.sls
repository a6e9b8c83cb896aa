a:
  file.managed:
    - name: @ROOT@/a
    - source: salt://x/main.j2
    - template: jinja
