
conf:
  file.managed:
    - name: @ROOT@/conf
    - contents: new
same:
  file.managed:
    - name: @ROOT@/same
    - contents: same
p1:
  cmd.run:
    - name: echo p1
    - prereq: [file: conf]
p2:
  cmd.run:
    - name: echo p2
    - prereq: [file: same]
p3:
  cmd.run:
    - name: "false"
    - prereq: [cmd: p1]
