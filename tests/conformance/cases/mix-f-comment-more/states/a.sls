
a:
  file.comment:
    - name: @ROOT@/f
    - regex: ^bind 127
    - backup: False
b:
  file.uncomment:
    - name: @ROOT@/f
    - regex: keep.*
    - backup: False
c:
  file.comment:
    - name: @ROOT@/f
    - regex: ^nothing
d:
  file.comment:
    - name: @ROOT@/f
    - regex: ^x
    - char: ';'
    - backup: .old
e:
  file.comment:
    - name: @ROOT@/none
    - regex: x
    - ignore_missing: True
