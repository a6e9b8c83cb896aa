
multi:
  file.managed:
    - name: @ROOT@/m
    - contents: x
  test.fail_without_changes: []
d:
  test.nop:
    - require:
      - id: multi
e:
  test.nop:
    - require:
      - name: @ROOT@/m
f:
  test.nop:
    - require:
      - multi
