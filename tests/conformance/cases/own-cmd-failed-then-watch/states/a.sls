bad:
  cmd.run:
    - name: exit 1
w:
  cmd.wait:
    - name: echo w >> @ROOT@/log
    - watch:
      - cmd: bad
oc:
  cmd.run:
    - name: echo oc >> @ROOT@/log
    - onchanges:
      - cmd: bad
of:
  cmd.run:
    - name: echo of >> @ROOT@/log
    - onfail:
      - cmd: bad
