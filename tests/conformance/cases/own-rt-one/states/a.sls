x:
  cmd.run:
    - name: echo try >> @ROOT@/log; false
    - retry:
        attempts: 1
        interval: 0
