x:
  cmd.run:
    - name: echo try >> @ROOT@/log; false
    - retry:
        attempts: true
        interval: 0
