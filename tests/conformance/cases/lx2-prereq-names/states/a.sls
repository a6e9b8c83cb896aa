p:
  cmd.run:
    - names:
      - echo p1 >> @ROOT@/log
      - echo p2 >> @ROOT@/log
    - prereq:
      - file: t
t:
  file.managed:
    - names:
      - @ROOT@/a
      - @ROOT@/b
    - contents: x
