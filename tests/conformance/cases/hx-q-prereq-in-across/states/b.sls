pre_b:
  cmd.run:
    - name: echo b >> @ROOT@/log
    - prereq_in:
      - file: t2
