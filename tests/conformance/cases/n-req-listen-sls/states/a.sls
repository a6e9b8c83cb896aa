include:
  - b
l:
  cmd.wait:
    - name: echo l >> @ROOT@/log
    - listen:
      - sls: b
