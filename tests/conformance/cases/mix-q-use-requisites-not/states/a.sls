
g:
  test.fail_without_changes: []
a:
  cmd.run:
    - name: echo a >> @ROOT@/log
    - require: [test: g]
    - unless: "true"
    - cwd: /
b:
  cmd.run:
    - name: pwd >> @ROOT@/log
    - use: [cmd: a]
