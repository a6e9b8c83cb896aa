include: [b]
extend:
  f:
    cmd:
      - run
      - name: echo x >> @ROOT@/log
