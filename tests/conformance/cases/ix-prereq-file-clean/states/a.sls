stop:
  cmd.run:
    - name: echo stop >> @ROOT@/log
    - prereq:
      - file: conf
conf:
  file.managed:
    - name: @ROOT@/conf
    - contents: new
start:
  cmd.run:
    - name: echo start >> @ROOT@/log
    - onchanges: [file: conf]
again:
  cmd.run:
    - name: echo again >> @ROOT@/log
    - prereq: [file: conf2]
conf2:
  file.managed:
    - name: @ROOT@/conf
    - contents: new
