f:
  file.managed:
    - name: @ROOT@/f
    - source: salt://t.j2
    - template: jinja
g:
  file.managed:
    - name: @ROOT@/g
    - source: salt://u.txt
