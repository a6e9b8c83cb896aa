f:
  file.managed:
    - name: @ROOT@/f
    - source: salt://t.j2
    - template: jinja
    - context: {v: {{ 0 }}}
g:
  file.managed:
    - name: @ROOT@/f
    - source: salt://t.j2
    - template: jinja
    - context: {v: {{ 1 }}}
