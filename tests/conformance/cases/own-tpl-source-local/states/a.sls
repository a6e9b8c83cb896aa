f:
  file.managed:
    - name: @ROOT@/f
    - source: @ROOT@/src/t
    - template: jinja
    - context: {v: 1}
g:
  file.managed:
    - name: @ROOT@/g
    - source: file://@ROOT@/src/t
