f:
  file.managed:
    - name: @ROOT@/f
    - contents: n
pre:
  cmd.run:
    - name: echo pre >> @ROOT@/log
    - prereq:
      - file: f
svc:
  cmd.wait:
    - name: echo svc >> @ROOT@/log
    - watch:
      - file: f
      - cmd: pre
lis:
  cmd.wait:
    - name: echo lis >> @ROOT@/log
    - listen:
      - file: f
req:
  cmd.run:
    - name: echo req >> @ROOT@/log
    - require:
      - cmd: pre
