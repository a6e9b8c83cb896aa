t:
  cmd.run:
    - name: echo t >> @ROOT@/log
    - onlyif: test -e @ROOT@/flag
p:
  cmd.run:
    - name: touch @ROOT@/flag; echo p >> @ROOT@/log
    - prereq:
      - cmd: t
