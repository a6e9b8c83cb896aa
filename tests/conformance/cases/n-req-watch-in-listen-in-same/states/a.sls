r:
  cmd.wait:
    - name: echo r >> @ROOT@/log
chg:
  file.managed:
    - name: @ROOT@/f
    - contents: a
    - watch_in:
      - cmd: r
    - listen_in:
      - cmd: r
