b1:
  test.succeed_with_changes:
    - name: bn
b2:
  file.managed:
    - name: @ROOT@/b2
    - contents: b
    - require:
      - test: b1
