
backup:
  file.copy:
    - name: @ROOT@/conf.bak
    - source: @ROOT@/conf
    - prereq: [file: conf]
conf:
  file.managed:
    - name: @ROOT@/conf
    - contents: broken
check:
  cmd.run:
    - name: grep -q good @ROOT@/conf
    - onchanges: [file: conf]
rollback:
  file.copy:
    - name: @ROOT@/conf
    - source: @ROOT@/conf.bak
    - force: True
    - onfail: [cmd: check]
notify:
  cmd.run:
    - name: echo rolled >> @ROOT@/log
    - onchanges: [file: rollback]
done:
  test.nop:
    - require: [cmd: check]
