a:
  file.line:
    - name: @ROOT@/f
    - mode: replace
    - match: key
    - content: 'key: new'
    - indent: False
b:
  file.line:
    - name: @ROOT@/g
    - mode: ensure
    - after: head
    - before: tail
    - content: mid
c:
  file.line:
    - name: @ROOT@/h
    - mode: delete
    - content: zzz
    - quiet: True
d:
  file.line:
    - name: @ROOT@/h
    - mode: delete
    - content: zzz
e:
  file.line:
    - name: @ROOT@/k
    - mode: insert
    - content: x
    - after: a
    - before: b
f:
  file.line:
    - name: @ROOT@/k
    - content: x
g:
  file.line:
    - name: @ROOT@/k
    - mode: replace
    - content: x
    - match: l
