late:
  file.managed:
    - name: @ROOT@/late
    - contents: x
early:
  cmd.run:
    - name: echo early >> @ROOT@/log
    - prereq:
      - file: late
