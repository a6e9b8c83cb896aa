z1:
  test.nop:
    - require:
      - id: s1
s1:
  test.nop: []
  file.managed:
    - name: @ROOT@/s1
    - contents: x
