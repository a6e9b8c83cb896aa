
a:
  file.managed:
    - name: @ROOT@/a
    - contents: [l1, l2, '', l4]
b:
  file.managed:
    - name: @ROOT@/b
    - contents: 0
d:
  file.managed:
    - name: @ROOT@/d
    - contents: True
e:
  file.managed:
    - name: @ROOT@/e
    - contents: null
f:
  file.managed:
    - name: @ROOT@/f
    - contents: ''
g:
  file.managed:
    - name: @ROOT@/g
    - contents: x
    - contents_newline: False
h:
  file.managed:
    - name: @ROOT@/h
    - contents_pillar: p:list
i:
  file.managed:
    - name: @ROOT@/i
    - contents_pillar: p:none
j:
  file.managed:
    - name: @ROOT@/j
    - contents: x
    - mode: 644
k:
  file.managed:
    - name: @ROOT@/k
    - contents: x
    - mode: '4755'
l:
  file.managed:
    - name: @ROOT@/x/y/l
    - contents: x
    - makedirs: True
    - dir_mode: '0711'
m:
  file.managed:
    - name: @ROOT@/m
    - contents: 1.50
n:
  file.managed:
    - name: relative
    - contents: x
