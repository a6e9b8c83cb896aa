
a:
  file.replace:
    - name: @ROOT@/a
    - pattern: '^b.*?$'
    - repl: X
    - backup: False
b:
  file.replace:
    - name: @ROOT@/b
    - pattern: 'B'
    - repl: X
    - flags: ['IGNORECASE']
    - backup: False
c:
  file.replace:
    - name: @ROOT@/c
    - pattern: 'a.b'
    - repl: X
    - flags: [DOTALL]
    - backup: False
d:
  file.replace:
    - name: @ROOT@/d
    - pattern: '(?i)HELLO (\w+)'
    - repl: 'bye \1'
    - backup: False
e:
  file.replace:
    - name: @ROOT@/e
    - pattern: 'x$'
    - repl: y
    - flags: 8
    - backup: False
f:
  file.replace:
    - name: @ROOT@/f
    - pattern: '(?P<n>\d+)'
    - repl: '<\g<n>>'
    - count: 1
    - backup: False
g:
  file.replace:
    - name: @ROOT@/g
    - pattern: '^'
    - repl: '# '
    - backup: False
h:
  file.replace:
    - name: @ROOT@/h
    - pattern: '\.'
    - repl: '\\.'
    - backup: False
i:
  file.replace:
    - name: @ROOT@/i
    - pattern: 'a'
    - repl: ''
    - backup: False
j:
  file.replace:
    - name: @ROOT@/j
    - pattern: "k: .*"
    - repl: "k: {{ 5 + 1 }}"
    - append_if_not_found: True
    - backup: '.bak2'
