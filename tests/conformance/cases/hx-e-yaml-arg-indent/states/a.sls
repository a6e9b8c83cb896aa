x:
  test.succeed_with_changes:
    - name: a
   - comment: b
