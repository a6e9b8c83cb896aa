a:
  file.replace:
    - name: @ROOT@/f
    - pattern: a
    - repl: b
b:
  file.replace:
    - name: @ROOT@/f
    - pattern: a
    - repl: a
c:
  file.replace:
    - name: @ROOT@/f
    - pattern: zz
    - repl: a
    - append_if_not_found: True
d:
  file.replace:
    - name: @ROOT@/f
    - pattern: zz
    - repl: a
