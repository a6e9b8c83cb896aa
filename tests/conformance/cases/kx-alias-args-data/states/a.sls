x:
  file.managed:
    - name: @ROOT@/f
    - template: jinja
    - source: salt://t
    - context: &c
        a: 1
y:
  file.managed:
    - name: @ROOT@/g
    - template: jinja
    - source: salt://t
    - context: *c
