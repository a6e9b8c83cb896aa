t:
  test.succeed_with_changes:
    - order: first
p:
  test.succeed_with_changes:
    - order: last
    - prereq:
      - test: t
m:
  test.nop
