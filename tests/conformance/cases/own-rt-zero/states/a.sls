x:
  cmd.run:
    - name: echo try >> @ROOT@/log; false
    - retry:
        attempts: 0
        interval: 0
