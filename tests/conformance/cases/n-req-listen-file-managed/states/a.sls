l:
  file.managed:
    - name: @ROOT@/l
    - contents: x
    - listen:
      - test: chg
s:
  test.succeed_without_changes:
    - listen:
      - test: chg
chg:
  test.succeed_with_changes: []
