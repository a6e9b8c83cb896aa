s:
  test.succeed_with_changes:
    - names: [q, r]
a:
  cmd.wait:
    - names:
      - echo a1 >> @ROOT@/log
      - echo a2 >> @ROOT@/log
    - listen:
      - test: r
      - test: q
