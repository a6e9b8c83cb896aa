a:
  file.managed:
    - name: @ROOT@/a
    - source: salt://t
    - template: jinja
    - show_changes: False
b:
  test.nop:
    - onchanges: [file: a]
