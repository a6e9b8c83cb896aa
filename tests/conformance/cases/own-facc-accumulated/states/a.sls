f:
  file.managed:
    - name: @ROOT@/f
    - source: salt://t.j2
    - template: jinja
one:
  file.accumulated:
    - name: lines
    - filename: @ROOT@/f
    - text: one
    - require_in:
      - file: f
two:
  file.accumulated:
    - name: lines
    - filename: @ROOT@/f
    - text: [two, three, one]
    - watch_in:
      - file: f
