f:
  file.managed:
    - name: @ROOT@/f
    - contents: n
g:
  test.succeed_without_changes: []
pre:
  cmd.run:
    - name: echo pre >> @ROOT@/log
    - prereq:
      - file: f
pre_g:
  cmd.run:
    - name: echo pre >> @ROOT@/log
    - prereq:
      - test: g
oc:
  cmd.run:
    - name: echo oc
    - onchanges:
      - cmd: pre
oc2:
  cmd.run:
    - name: echo oc
    - onchanges:
      - cmd: pre_g
