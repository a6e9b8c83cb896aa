x:
  cmd.run:
    - name: echo try >> @ROOT@/log; test $(wc -l < @ROOT@/log) -ge 2
    - retry:
        attempts: 3
        interval: 0
        until: False
