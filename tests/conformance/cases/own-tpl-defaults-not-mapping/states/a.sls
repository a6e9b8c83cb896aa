f:
  file.managed:
    - name: @ROOT@/f
    - source: salt://t.j2
    - template: jinja
    - defaults: [a]
g:
  file.managed:
    - name: @ROOT@/g
    - source: salt://t.j2
    - template: jinja
    - context: [{a: 1}]
