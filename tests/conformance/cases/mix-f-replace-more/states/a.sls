
app:
  file.replace:
    - name: @ROOT@/f
    - pattern: ^k=.*$
    - repl: k=2
    - append_if_not_found: True
    - backup: False
grp:
  file.replace:
    - name: @ROOT@/f
    - pattern: '(a)(b)?c'
    - repl: '<\g<1>\2>'
    - backup: .orig
pre:
  file.replace:
    - name: @ROOT@/f
    - pattern: ^zz
    - repl: top
    - prepend_if_not_found: True
    - not_found_content: "# top"
    - backup: ''
cnt:
  file.replace:
    - name: @ROOT@/f
    - pattern: x
    - repl: y
    - count: 2
    - backup: False
fl:
  file.replace:
    - name: @ROOT@/f
    - pattern: HELLO.WORLD
    - repl: bye
    - flags: [IGNORECASE, DOTALL]
    - backup: False
multi:
  file.replace:
    - name: @ROOT@/f
    - pattern: |
        l1
        l2
    - repl: |
        L
    - backup: False
ign:
  file.replace:
    - name: @ROOT@/none
    - pattern: x
    - repl: y
    - ignore_if_missing: True
bsl:
  file.replace:
    - name: @ROOT@/f
    - pattern: '(a)(b)?c'
    - repl: 'x'
    - bufsize: file
    - show_changes: False
    - backup: False
