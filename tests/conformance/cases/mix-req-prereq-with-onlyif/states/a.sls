
target:
  file.managed:
    - name: @ROOT@/x
    - contents: t
    - onlyif: "false"
pre:
  cmd.run:
    - name: echo pre >> @ROOT@/log
    - prereq:
      - file: target
