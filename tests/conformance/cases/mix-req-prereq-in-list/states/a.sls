
target:
  file.managed:
    - name: @ROOT@/x
    - contents: t
    - prereq_in:
      - test: never
never:
  test.succeed_with_changes: []
