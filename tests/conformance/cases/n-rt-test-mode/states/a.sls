x:
  cmd.run:
    - name: echo try >> @ROOT@/log; false
    - retry:
        attempts: 3
        interval: 0
y:
  test.fail_without_changes:
    - retry:
        attempts: 2
        interval: 0
z:
  file.managed:
    - name: @ROOT@/z
    - source: salt://none
    - retry:
        attempts: 2
        interval: 0
