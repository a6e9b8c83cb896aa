f:
  file.managed:
    - name: @ROOT@/f
    - contents: x
    - listen:
      - test: c1
c1:
  test.succeed_with_changes: []
