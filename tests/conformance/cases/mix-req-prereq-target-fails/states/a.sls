
target:
  file.managed:
    - name: @ROOT@/no/such/dir/t
    - contents: t
pre:
  cmd.run:
    - name: echo pre >> @ROOT@/log
    - prereq:
      - file: target
after:
  test.nop:
    - require:
      - cmd: pre
