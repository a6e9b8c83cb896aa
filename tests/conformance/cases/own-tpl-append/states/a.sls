f:
  file.append:
    - name: @ROOT@/f
    - source: salt://t.j2
    - template: jinja
    - context: {v: 1}
    - makedirs: True
g:
  file.append:
    - name: @ROOT@/g
    - template: jinja
    - sources:
      - salt://t.j2
      - salt://t.j2
    - defaults: {v: 2}
