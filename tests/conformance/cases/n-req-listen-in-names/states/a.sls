l:
  cmd.wait:
    - names:
      - echo 1 >> @ROOT@/log
      - echo 2 >> @ROOT@/log
chg:
  test.succeed_with_changes:
    - names: [a, b]
    - listen_in:
      - cmd: l
