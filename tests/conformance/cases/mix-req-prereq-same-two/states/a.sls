
target:
  file.managed:
    - name: @ROOT@/x
    - contents: t
stop:
  cmd.run:
    - name: echo stop >> @ROOT@/log
    - prereq:
      - file: target
start:
  cmd.run:
    - name: echo start >> @ROOT@/log
    - onchanges:
      - file: target
also:
  cmd.run:
    - name: echo also >> @ROOT@/log
    - require:
      - cmd: stop
