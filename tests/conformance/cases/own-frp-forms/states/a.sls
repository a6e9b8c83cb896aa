a:
  file.replace:
    - name: @ROOT@/a
    - pattern: 'foo(\d+)'
    - repl: 'bar\1'
b:
  file.replace:
    - name: @ROOT@/b
    - pattern: '^key=.*$'
    - repl: 'key=new'
    - append_if_not_found: True
c:
  file.replace:
    - name: @ROOT@/c
    - pattern: '^key=.*$'
    - repl: 'key=new'
    - append_if_not_found: True
d:
  file.replace:
    - name: @ROOT@/d
    - pattern: '^key=.*$'
    - repl: 'key=new'
    - prepend_if_not_found: True
e:
  file.replace:
    - name: @ROOT@/e
    - pattern: foo
    - repl: bar
    - count: 1
f:
  file.replace:
    - name: @ROOT@/f
    - pattern: FOO
    - repl: bar
    - flags: ['IGNORECASE', 'MULTILINE']
g:
  file.replace:
    - name: @ROOT@/g
    - pattern: foo
    - repl: bar
    - backup: False
h:
  file.replace:
    - name: @ROOT@/gone
    - pattern: foo
    - repl: bar
i:
  file.replace:
    - name: @ROOT@/gone2
    - pattern: foo
    - repl: bar
    - ignore_if_missing: True
j:
  file.replace:
    - name: @ROOT@/j
    - pattern: foo
    - repl: bar
    - backup: .orig
k:
  file.replace:
    - name: @ROOT@/k
    - pattern: 'none'
    - repl: 'x'
    - not_found_content: 'added'
    - append_if_not_found: True
