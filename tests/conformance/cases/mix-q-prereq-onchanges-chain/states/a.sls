
conf:
  file.managed:
    - name: @ROOT@/conf
    - contents: new
stop:
  cmd.run:
    - name: echo stop >> @ROOT@/log
    - prereq: [file: conf]
start:
  cmd.run:
    - name: echo start >> @ROOT@/log
    - require: [file: conf]
    - onchanges: [cmd: stop]
done:
  test.nop:
    - watch: [cmd: start]
