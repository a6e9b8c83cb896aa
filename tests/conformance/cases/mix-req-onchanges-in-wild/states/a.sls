
f1:
  file.managed:
    - name: @ROOT@/f1
    - contents: x
f2:
  file.managed:
    - name: @ROOT@/f2
    - contents: y
w:
  cmd.run:
    - name: echo w >> @ROOT@/log
    - onchanges:
      - file: @ROOT@/f*
r:
  test.nop:
    - require:
      - file: "f?"
      - id: f1
