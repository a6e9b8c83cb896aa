x:
  cmd.run:
    - name: echo try >> @ROOT@/log; false
    - retry:
      - attempts: 3
      - interval: 0
