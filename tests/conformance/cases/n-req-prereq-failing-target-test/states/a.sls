p:
  cmd.run:
    - name: echo p >> @ROOT@/log
    - prereq:
      - test: t
t:
  test.fail_with_changes: []
q:
  cmd.run:
    - name: echo q >> @ROOT@/log
    - prereq:
      - test: u
u:
  test.fail_without_changes: []
