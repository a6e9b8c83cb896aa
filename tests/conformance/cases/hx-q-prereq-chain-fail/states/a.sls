stop:
  cmd.run:
    - name: echo stop >> @ROOT@/log
    - prereq:
      - cmd: mid
mid:
  cmd.run:
    - name: echo mid >> @ROOT@/log; false
    - prereq:
      - file: conf
conf:
  file.managed:
    - name: @ROOT@/conf
    - contents: x
after:
  test.nop:
    - require:
      - file: conf
onf:
  test.nop:
    - onfail:
      - cmd: mid
