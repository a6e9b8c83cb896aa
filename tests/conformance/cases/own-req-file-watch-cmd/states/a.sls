conf:
  file.managed:
    - name: @ROOT@/conf
    - contents: x
reload:
  cmd.run:
    - name: echo reload >> @ROOT@/log
    - onchanges:
      - file: @ROOT@/conf
wait:
  cmd.wait:
    - name: echo wait >> @ROOT@/log
    - cwd: @ROOT@
    - watch:
      - file: conf
