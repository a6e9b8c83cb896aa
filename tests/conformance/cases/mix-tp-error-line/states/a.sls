f:
  file.managed:
    - name: @ROOT@/f
    - source: salt://t
    - template: jinja
g:
  test.nop:
    - require: [file: f]
