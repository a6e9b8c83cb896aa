
t:
  file.managed:
    - name: @ROOT@/t
    - contents: x
p:
  cmd.run:
    - name: "false"
    - failhard: True
    - prereq: [file: t]
z:
  test.nop: []
