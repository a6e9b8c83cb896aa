include: [d]
extend:
  d:
    test:
      - require_in: [test: z]
      - listen_in: [cmd: l]
z:
  test.nop: []
l:
  cmd.wait:
    - name: echo l >> @ROOT@/log
