t:
  file.managed:
    - name: @ROOT@/t
    - contents: t
p:
  cmd.run:
    - name: exit 1
    - prereq:
      - file: t
h:
  cmd.run:
    - name: echo h >> @ROOT@/log
    - onfail:
      - cmd: p
h2:
  cmd.run:
    - name: echo h2 >> @ROOT@/log
    - onfail:
      - file: t
w:
  cmd.run:
    - name: echo w >> @ROOT@/log
    - onchanges:
      - file: t
r:
  cmd.run:
    - name: echo r >> @ROOT@/log
    - require:
      - file: t
