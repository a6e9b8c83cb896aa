f:
  file.managed:
    - name: @ROOT@/f
    - source: salt://tpl/child.j2
    - template: jinja
    - context: {v: V}
