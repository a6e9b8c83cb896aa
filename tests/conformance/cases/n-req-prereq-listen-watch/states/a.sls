conf:
  file.managed:
    - name: @ROOT@/c
    - contents: new
stop:
  cmd.run:
    - name: echo stop >> @ROOT@/log
    - prereq:
      - file: conf
start:
  cmd.run:
    - name: echo start >> @ROOT@/log
    - onchanges:
      - file: conf
    - require:
      - cmd: stop
restart:
  cmd.wait:
    - name: echo restart >> @ROOT@/log
    - listen:
      - file: conf
