include:
  - b
l:
  cmd.wait:
    - name: echo l >> @ROOT@/log
    - watch:
      - sls: b
m:
  cmd.wait:
    - name: echo m >> @ROOT@/log
    - watch:
      - sls: c
n:
  test.succeed_with_changes:
    - onfail:
      - sls: b
