
kv:
  file.keyvalue:
    - name: @ROOT@/c
    - key_values: {PermitRootLogin: 'no', New: 'x', Com: '2'}
    - separator: ' '
    - uncomment: '#'
    - append_if_not_found: True
kv2:
  file.keyvalue:
    - name: @ROOT@/c
    - key: A
    - value: b
    - separator: '='
    - search_only: False
    - ignore_if_missing: True
acc1:
  file.accumulated:
    - name: things
    - filename: @ROOT@/acc
    - text: one
    - require_in: [file: accf]
acc2:
  file.accumulated:
    - name: things
    - filename: @ROOT@/acc
    - text: [two, three]
    - require_in: [file: accf]
accf:
  file.managed:
    - name: @ROOT@/acc
    - source: salt://acc.j
    - template: jinja
