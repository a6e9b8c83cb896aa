x:
  cmd.run:
    - name: echo try >> @ROOT@/log; test $(wc -l < @ROOT@/log) -ge 2
    - parallel: True
    - retry: {attempts: 3, interval: 0}
y:
  test.nop:
    - require:
      - cmd: x
