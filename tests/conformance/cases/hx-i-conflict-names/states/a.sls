include: [b]
x:
  cmd.run:
    - name: echo hi
