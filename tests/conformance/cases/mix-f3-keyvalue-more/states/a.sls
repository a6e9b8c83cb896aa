
a:
  file.keyvalue:
    - name: @ROOT@/a
    - key: k
    - value: v2
    - separator: '='
b:
  file.keyvalue:
    - name: @ROOT@/a
    - key_values: {k: v2, j: 5, new: x}
    - separator: '='
    - append_if_not_found: True
c:
  file.keyvalue:
    - name: @ROOT@/a
    - key: missing
    - value: x
    - separator: '='
d:
  file.keyvalue:
    - name: @ROOT@/a
    - key: c
    - value: '9'
    - separator: '='
    - uncomment: '#'
    - key_ignore_case: True
e:
  file.keyvalue:
    - name: @ROOT@/none
    - key: c
    - value: '9'
f:
  file.keyvalue:
    - name: @ROOT@/b
    - key: Port
    - value: '22'
    - separator: ' '
    - prepend_if_not_found: True
g:
  file.keyvalue:
    - name: @ROOT@/b
    - key: A
    - value: z
    - separator: ' '
    - count: 1
