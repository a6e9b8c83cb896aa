a:
  file.replace:
    - name: @ROOT@/f
    - pattern: alpha
    - repl: A
    - flags: [IGNORECASE]
    - backup: False
b:
  file.replace:
    - name: @ROOT@/f
    - pattern: 'beta.gamma'
    - repl: 'B'
    - flags: [DOTALL]
    - backup: False
c:
  file.replace:
    - name: @ROOT@/f
    - pattern: '^(B)$'
    - repl: '<\1>\g<1>'
    - backup: False
d:
  file.replace:
    - name: @ROOT@/f
    - pattern: '(?P<n>A)'
    - repl: '\g<n>\n\g<n>'
    - backup: False
e:
  file.replace:
    - name: @ROOT@/f
    - pattern: '('
    - repl: x
    - backup: False
f:
  file.replace:
    - name: @ROOT@/f
    - pattern: A
    - repl: \2
    - backup: False
g:
  file.replace:
    - name: @ROOT@/f
    - pattern: A
    - repl: Z
    - flags: 2
    - backup: False
