a:
  file.managed:
    - name: @ROOT@/x
    - contents: a
b:
  file.append:
    - name: @ROOT@/x
    - text: b
    - require: [file: a]
c:
  file.replace:
    - name: @ROOT@/x
    - pattern: a
    - repl: A
    - backup: False
    - onchanges: [file: b]
d:
  file.absent:
    - name: @ROOT@/x
    - prereq: [test: e]
e:
  test.succeed_with_changes: []
