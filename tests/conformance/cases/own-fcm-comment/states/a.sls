c:
  file.comment:
    - name: @ROOT@/c
    - regex: ^bind
c2:
  file.comment:
    - name: @ROOT@/c2
    - regex: ^nothing
c3:
  file.comment:
    - name: @ROOT@/c3
    - regex: ^x
    - char: ';'
c4:
  file.comment:
    - name: @ROOT@/gone
    - regex: ^x
c5:
  file.comment:
    - name: @ROOT@/c5
    - regex: ^already
u:
  file.uncomment:
    - name: @ROOT@/u
    - regex: bind
u2:
  file.uncomment:
    - name: @ROOT@/u2
    - regex: nothing
u3:
  file.uncomment:
    - name: @ROOT@/u3
    - regex: x
    - char: ';'
ci:
  file.comment:
    - name: @ROOT@/ci
    - regex: ^nothing
    - ignore_missing: True
