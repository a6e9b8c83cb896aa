s00:
  file.keyvalue:
    - name: @ROOT@/cfg
    - key: a
    - value: 5
    - separator: '='
s01:
  file.keyvalue:
    - name: @ROOT@/cfg
    - key_values: {a: 6, c: 7}
    - separator: '='
s02:
  file.keyvalue:
    - name: @ROOT@/cfg
    - key: b
    - value: 9
    - separator: '='
    - uncomment: '#'
s03:
  file.keyvalue:
    - name: @ROOT@/cfg
    - key: new
    - value: v
    - separator: '='
    - append_if_not_found: True
s04:
  file.keyvalue:
    - name: @ROOT@/cfg
    - key: new2
    - value: v
    - separator: '='
    - prepend_if_not_found: True
s05:
  file.keyvalue:
    - name: @ROOT@/cfg
    - key: nope
    - value: v
    - separator: '='
s06:
  file.keyvalue:
    - name: @ROOT@/none
    - key: a
    - value: v
    - separator: '='
s07:
  file.keyvalue:
    - name: @ROOT@/none
    - key: a
    - value: v
    - ignore_if_missing: True
s08:
  file.keyvalue:
    - name: @ROOT@/cfg
    - key: a
    - value: v
s09:
  file.keyvalue:
    - name: @ROOT@/cfg
s10:
  file.keyvalue:
    - name: @ROOT@/cfg
    - key: C
    - value: cc
    - separator: ' = '
    - key_ignore_case: True
s11:
  file.keyvalue:
    - name: @ROOT@/cfg
    - key: a
    - value: V
    - separator: '='
    - value_ignore_case: True
s12:
  file.keyvalue:
    - name: @ROOT@/cfg
    - key: a
    - value: true
    - separator: '='
s13:
  file.keyvalue:
    - name: @ROOT@/cfg
    - key_values: {x: 1, y: 2}
    - separator: '='
    - append_if_not_found: True
    - show_changes: False
s14:
  file.keyvalue:
    - name: @ROOT@/cfg
    - key_values: [a]
    - separator: '='
s15:
  file.keyvalue:
    - name: @ROOT@/cfg
    - key: a
    - value: ~
    - separator: '='
s16:
  file.keyvalue:
    - name: @ROOT@/cfg
    - key: a
    - value: z
    - separator: '='
    - count: 1
    - search_only: True
