
a:
  file.replace:
    - name: @ROOT@/f
    - pattern: '^(\w+)=(.*)$'
    - repl: '\2=\1'
    - backup: False
b:
  file.replace:
    - name: @ROOT@/f
    - pattern: 'x*'
    - repl: '-'
    - backup: False
c:
  file.replace:
    - name: @ROOT@/g
    - pattern: ''
    - repl: 'q'
    - backup: False
d:
  file.replace:
    - name: @ROOT@/h
    - pattern: 'a\nb'
    - repl: 'c'
    - backup: False
e:
  file.replace:
    - name: @ROOT@/h
    - pattern: '[unclosed'
    - repl: 'c'
    - backup: False
f:
  file.replace:
    - name: @ROOT@/h
    - pattern: 'end$'
    - repl: 'END'
    - backup: False
g:
  file.replace:
    - name: @ROOT@/h
    - pattern: 'zzz'
    - repl: 'zzz'
    - append_if_not_found: True
    - backup: False
h:
  file.replace:
    - name: @ROOT@/h
    - pattern: 'zzz'
    - repl: 'zzz'
    - append_if_not_found: True
    - backup: False
i:
  file.replace:
    - name: @ROOT@/d
    - pattern: a
    - repl: b
j:
  file.replace:
    - name: @ROOT@/h
    - pattern: END
    - repl: "tab\there"
    - backup: False
