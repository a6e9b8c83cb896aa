svc:
  test.succeed_with_changes:
    - require:
      - file: svc
  file.managed:
    - name: @ROOT@/svc
    - contents: x
  cmd.wait:
    - name: echo go >> @ROOT@/log
    - watch:
      - file: svc
