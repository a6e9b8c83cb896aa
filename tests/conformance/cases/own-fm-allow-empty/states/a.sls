a:
  file.managed:
    - name: @ROOT@/f
    - contents: ''
    - allow_empty: False
b:
  file.managed:
    - name: @ROOT@/f
    - contents_pillar: nope
    - allow_empty: True
c:
  file.managed:
    - name: @ROOT@/g
    - source: salt://empty
d:
  file.managed:
    - name: @ROOT@/h
    - contents_pillar: nope
    - contents: x
