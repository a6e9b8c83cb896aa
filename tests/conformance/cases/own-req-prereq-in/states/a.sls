late:
  file.managed:
    - name: @ROOT@/late
    - contents: x
early:
  cmd.run:
    - name: test -e @ROOT@/late && echo there >> @ROOT@/log || echo not >> @ROOT@/log
    - prereq_in:
      - file: late
