pre1:
  test.succeed_with_changes: []
f:
  file.managed:
    - name: @ROOT@/f
    - contents: original
    - mode: '0600'
    - require:
      - test: pre1
