l:
  cmd.run:
    - name: echo l >> @ROOT@/log
    - onlyif: test -e @ROOT@/flag
    - listen:
      - cmd: chg
chg:
  cmd.run:
    - name: touch @ROOT@/flag
