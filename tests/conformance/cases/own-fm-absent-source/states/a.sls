a:
  file.managed:
    - name: @ROOT@/a
    - source: salt://nope
b:
  file.managed:
    - name: @ROOT@/b
    - source: @ROOT@/nope
c:
  file.managed:
    - name: @ROOT@/c
    - source: nope
d:
  file.managed:
    - name: @ROOT@/d
    - source: []
e:
  file.managed:
    - name: @ROOT@/e
    - source: ''
f:
  file.managed:
    - name: @ROOT@/f
    - source: salt://
g:
  file.managed:
    - name: @ROOT@/g
    - source: bogus://x
