
targets:
  file.managed:
    - names: [@ROOT@/x, @ROOT@/y]
    - contents: t
pre:
  cmd.run:
    - name: echo pre >> @ROOT@/log
    - prereq:
      - file: targets
