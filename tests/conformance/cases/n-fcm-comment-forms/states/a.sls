c:
  file.comment:
    - name: @ROOT@/c
    - regex: ^bind
c2:
  file.comment:
    - name: @ROOT@/c
    - regex: ^bind
u:
  file.uncomment:
    - name: @ROOT@/u
    - regex: port
u2:
  file.uncomment:
    - name: @ROOT@/u
    - regex: port
semi:
  file.comment:
    - name: @ROOT@/s
    - regex: ^key\s*=
    - char: ';'
    - backup: False
usemi:
  file.uncomment:
    - name: @ROOT@/s
    - regex: other
    - char: ';'
    - backup: '.b'
none:
  file.comment:
    - name: @ROOT@/c
    - regex: ^absent
none2:
  file.comment:
    - name: @ROOT@/c
    - regex: ^absent
    - ignore_missing: True
nofile:
  file.comment:
    - name: @ROOT@/nope
    - regex: ^absent
uabs:
  file.uncomment:
    - name: @ROOT@/u
    - regex: nothing
group:
  file.comment:
    - name: @ROOT@/g
    - regex: ^(a|b)$
