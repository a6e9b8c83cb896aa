a:
  file.keyvalue:
    - name: @ROOT@/a
    - key: PermitRootLogin
    - value: 'without-password'
    - separator: ' '
    - uncomment: '# '
    - key_ignore_case: True
    - append_if_not_found: True
b:
  file.keyvalue:
    - name: @ROOT@/b
    - key_values:
        A: 1
        B: two
    - append_if_not_found: True
c:
  file.keyvalue:
    - name: @ROOT@/c
    - key_values:
        X: 1
