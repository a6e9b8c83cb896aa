a:
  file.keyvalue:
    - name: @ROOT@/f
    - key: Port
    - value: 24
    - separator: ' '
b:
  file.keyvalue:
    - name: @ROOT@/f
    - key_values:
        A: 2
        B: 3
    - append_if_not_found: True
c:
  file.keyvalue:
    - name: @ROOT@/f
    - key: C
    - value: x
d:
  file.keyvalue:
    - name: @ROOT@/nope
    - key: C
    - value: x
e:
  file.keyvalue:
    - name: @ROOT@/f
    - key: Port
    - value: 22
    - separator: ' '
    - uncomment: '# '
