include: [b]
t1:
  file.managed:
    - name: @ROOT@/t1
    - contents: a
t2:
  file.managed:
    - name: @ROOT@/t2
    - contents: a
pre_wild:
  cmd.run:
    - name: echo wild >> @ROOT@/log
    - prereq:
      - file: t*
