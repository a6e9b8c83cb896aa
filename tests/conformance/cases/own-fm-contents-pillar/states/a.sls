p:
  file.managed:
    - name: @ROOT@/p
    - contents_pillar: a:b
l:
  file.managed:
    - name: @ROOT@/l
    - contents_pillar: list
g:
  file.managed:
    - name: @ROOT@/g
    - contents_grains: role
x:
  file.managed:
    - name: @ROOT@/x
    - contents_pillar: nothing
d:
  file.managed:
    - name: @ROOT@/d
    - contents_pillar: nothing
    - contents_delimiter: '|'
