k:
  file.keyvalue:
    - name: @ROOT@/k
    - key: PermitRootLogin
    - value: 'no'
    - separator: ' '
    - uncomment: '# '
kv:
  file.keyvalue:
    - name: @ROOT@/kv
    - key_values:
        a: 1
        b: two
        c: 'x y'
    - separator: '='
    - append_if_not_found: True
ic:
  file.keyvalue:
    - name: @ROOT@/ic
    - key: KEY
    - value: v
    - key_ignore_case: True
    - value_ignore_case: True
    - separator: '='
cnt:
  file.keyvalue:
    - name: @ROOT@/cnt
    - key: k
    - value: v
    - count: 1
    - search_only: False
so:
  file.keyvalue:
    - name: @ROOT@/cnt
    - key: zz
    - value: v
    - search_only: True
miss:
  file.keyvalue:
    - name: @ROOT@/none
    - key: zz
    - value: v
miss2:
  file.keyvalue:
    - name: @ROOT@/none
    - key: zz
    - value: v
    - ignore_if_missing: True
pre:
  file.keyvalue:
    - name: @ROOT@/pre
    - key: zz
    - value: v
    - prepend_if_not_found: True
nf:
  file.keyvalue:
    - name: @ROOT@/cnt
    - key: zz
    - value: v
nokey:
  file.keyvalue:
    - name: @ROOT@/cnt
    - value: v
