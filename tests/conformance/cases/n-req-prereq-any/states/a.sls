t1:
  file.managed:
    - name: @ROOT@/t1
    - contents: x
t2:
  file.managed:
    - name: @ROOT@/t2
    - contents: y
p:
  cmd.run:
    - name: echo p >> @ROOT@/log
    - prereq_any:
      - file: t1
      - file: t2
