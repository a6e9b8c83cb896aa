t:
  cmd.run:
    - name: echo t >> @ROOT@/log
u:
  cmd.wait:
    - name: echo u >> @ROOT@/log
chg:
  test.succeed_with_changes:
    - onchanges_in:
      - cmd: t
    - watch_in:
      - cmd: u
quiet:
  test.succeed_without_changes:
    - onchanges_in:
      - cmd: t
    - watch_in:
      - cmd: u
