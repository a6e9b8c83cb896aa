a:
  file.replace:
    - name: @ROOT@/a
    - pattern: '^opt=.*$'
    - repl: opt=1
    - append_if_not_found: True
a2:
  file.replace:
    - name: @ROOT@/a
    - pattern: '^opt=.*$'
    - repl: opt=1
    - append_if_not_found: True
p:
  file.replace:
    - name: @ROOT@/p
    - pattern: '^opt=.*$'
    - repl: opt=1
    - prepend_if_not_found: True
n:
  file.replace:
    - name: @ROOT@/n
    - pattern: '^opt=.*$'
    - repl: opt=1
    - append_if_not_found: True
    - not_found_content: 'opt=notfound'
bk:
  file.replace:
    - name: @ROOT@/bk
    - pattern: x
    - repl: y
    - backup: '.old'
nobk:
  file.replace:
    - name: @ROOT@/nobk
    - pattern: x
    - repl: y
    - backup: False
multi:
  file.replace:
    - name: @ROOT@/multi
    - pattern: 'a\nb'
    - repl: "ab"
dot:
  file.replace:
    - name: @ROOT@/dot
    - pattern: 'start.*end'
    - repl: mid
    - flags: ['DOTALL']
dotnum:
  file.replace:
    - name: @ROOT@/dotnum
    - pattern: 'START'
    - repl: mid
    - flags: 2
bad:
  file.replace:
    - name: @ROOT@/dot
    - pattern: '('
    - repl: mid
lines:
  file.replace:
    - name: @ROOT@/lines
    - pattern: '^x$'
    - repl: y
    - bufsize: file
named:
  file.replace:
    - name: @ROOT@/named
    - pattern: '(?P<k>\w+)=(?P<v>\w+)'
    - repl: '\g<v>=\g<k>'
empty:
  file.replace:
    - name: @ROOT@/empty
    - pattern: 'del.*\n'
    - repl: ''
emptyfile:
  file.replace:
    - name: @ROOT@/emptyfile
    - pattern: '^k.*$'
    - repl: 'k=v'
    - append_if_not_found: True
