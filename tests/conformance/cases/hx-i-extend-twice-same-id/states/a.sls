include: [b]
extend:
  x:
    test:
      - name: other
    cmd.run:
      - name: echo hi
