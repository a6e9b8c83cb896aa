a:
  file.replace:
    - name: @ROOT@/nope
    - pattern: a
    - repl: b
    - ignore_if_missing: True
b:
  file.replace:
    - name: @ROOT@/nope
    - pattern: a
    - repl: b
c:
  file.replace:
    - name: @ROOT@
    - pattern: a
    - repl: b
