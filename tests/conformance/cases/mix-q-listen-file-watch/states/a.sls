
f:
  file.managed:
    - name: @ROOT@/f
    - contents: x
l:
  cmd.run:
    - name: echo l >> @ROOT@/log
    - listen: [file: f]
l2:
  cmd.wait:
    - name: echo l2 >> @ROOT@/log
    - listen: [file: @ROOT@/f]
l3:
  test.nop:
    - listen: [file: f]
l4:
  file.managed:
    - name: @ROOT@/l4
    - contents: x
    - listen: [file: f]
