t:
  cmd.run:
    - name: echo t >> @ROOT@/log
p1:
  cmd.run:
    - name: echo p1 >> @ROOT@/log
    - prereq:
      - cmd: t
    - listen_in:
      - cmd: l
p2:
  cmd.run:
    - name: echo p2 >> @ROOT@/log
    - prereq:
      - cmd: p1
l:
  cmd.wait:
    - name: echo l >> @ROOT@/log
