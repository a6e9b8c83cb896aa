
f:
  file.managed:
    - name: @ROOT@/f
    - contents: x
g:
  file.append:
    - name: @ROOT@/f
    - text: more
    - require: [file: f]
h:
  file.replace:
    - name: @ROOT@/f
    - pattern: x
    - repl: y
    - onchanges: [file: f]
i:
  file.symlink:
    - name: @ROOT@/l
    - target: @ROOT@/f
    - watch: [file: g]
