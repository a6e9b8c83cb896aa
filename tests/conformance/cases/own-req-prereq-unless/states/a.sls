late:
  test.succeed_with_changes:
    - unless: 'true'
early:
  test.succeed_with_changes:
    - prereq:
      - test: late
late2:
  test.succeed_with_changes:
    - onlyif: 'true'
early2:
  test.succeed_with_changes:
    - prereq:
      - test: late2
