t:
  file.managed:
    - name: @ROOT@/t
    - source: salt://t.j2
    - template: jinja
    - context:
        a: from context
    - defaults:
        a: default a
        b: default b
