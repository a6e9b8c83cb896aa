late:
  file.managed:
    - name: @ROOT@/late
    - contents: x
early:
  test.fail_without_changes:
    - prereq:
      - file: late
after:
  test.nop:
    - require:
      - file: late
