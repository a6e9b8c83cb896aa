f:
  file.managed:
    - name: @ROOT@/f
    - contents_pillar: body
    - template: jinja
    - context: {v: 1}
g:
  file.managed:
    - name: @ROOT@/g
    - contents_grains: id
h:
  file.managed:
    - name: @ROOT@/h
    - contents_grains: nope
