
target:
  file.managed:
    - name: @ROOT@/t
    - contents: t
pre:
  cmd.run:
    - name: "false"
    - prereq:
      - file: target
dep:
  test.nop:
    - require:
      - file: target
of:
  test.nop:
    - onfail:
      - cmd: pre
