z1:
  test.nop:
    - require:
      - test: s1
        file: s2
s1:
  test.nop: []
s2:
  file.managed:
    - name: @ROOT@/s2
    - contents: x
