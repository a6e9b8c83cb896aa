include:
  - b
x:
  test.succeed_with_changes:
    - prereq:
      - sls: b
