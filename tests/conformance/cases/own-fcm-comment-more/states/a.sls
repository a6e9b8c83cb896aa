a:
  file.comment:
    - name: @ROOT@/f
    - regex: ^one
b:
  file.comment:
    - name: @ROOT@/f
    - regex: ^two$
    - char: ';'
    - backup: False
c:
  file.uncomment:
    - name: @ROOT@/f
    - regex: ^three
d:
  file.uncomment:
    - name: @ROOT@/f
    - regex: ^nope
e:
  file.comment:
    - name: @ROOT@/f
    - regex: ^nope
f:
  file.comment:
    - name: @ROOT@/f
    - regex: ^one
g:
  file.comment:
    - name: @ROOT@/nope
    - regex: x
h:
  file.uncomment:
    - name: @ROOT@/f
    - regex: ^two
    - char: ';'
i:
  file.comment:
    - name: @ROOT@/f
    - regex: four
j:
  file.comment:
    - name: @ROOT@/f
    - regex: ^absent
    - ignore_missing: True
