include:
  - b
p:
  cmd.run:
    - name: echo p >> @ROOT@/log
    - prereq:
      - sls: b
