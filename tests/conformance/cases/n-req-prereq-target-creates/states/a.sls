t:
  cmd.run:
    - name: touch @ROOT@/made
    - creates: @ROOT@/made
p:
  cmd.run:
    - name: echo p >> @ROOT@/log
    - prereq:
      - cmd: t
t2:
  cmd.run:
    - name: touch @ROOT@/have
    - creates: @ROOT@/have
p2:
  cmd.run:
    - name: echo p2 >> @ROOT@/log
    - prereq:
      - cmd: t2
