c:
  test.succeed_with_changes: []
r:
  cmd.run:
    - name: echo run >> @ROOT@/log
    - watch:
      - test: c
w:
  cmd.wait:
    - name: echo wait >> @ROOT@/log
    - watch:
      - test: c
s:
  cmd.run:
    - name: echo unless >> @ROOT@/log
    - unless: 'true'
    - watch:
      - test: c
