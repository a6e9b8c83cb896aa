
t:
  cmd.run:
    - name: echo t >> @ROOT@/log
    - unless: test -f @ROOT@/there
p:
  cmd.run:
    - name: echo p >> @ROOT@/log
    - prereq: [cmd: t]
t2:
  cmd.run:
    - name: echo t2 >> @ROOT@/log
    - onlyif: test -f @ROOT@/there
p2:
  cmd.run:
    - name: echo p2 >> @ROOT@/log
    - prereq: [cmd: t2]
