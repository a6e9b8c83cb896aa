a:
  file.replace:
    - name: @ROOT@/f
    - pattern: a
    - repl: X
    - count: 2
    - backup: False
b:
  file.replace:
    - name: @ROOT@/f
    - pattern: ^X
    - repl: Y
    - backup: .orig
c:
  file.replace:
    - name: @ROOT@/f
    - pattern: nope
    - repl: n
d:
  file.replace:
    - name: @ROOT@/f
    - pattern: nope
    - repl: appended
    - append_if_not_found: True
    - backup: False
e:
  file.replace:
    - name: @ROOT@/f
    - pattern: nope2
    - repl: first
    - prepend_if_not_found: True
    - backup: False
f:
  file.replace:
    - name: @ROOT@/f
    - pattern: nope3
    - repl: r
    - append_if_not_found: True
    - not_found_content: other
    - backup: False
