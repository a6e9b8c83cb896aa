include: [b]
extend:
  b1:
    test:
      - watch_in: [cmd: own]
      - listen: [test: b2]
own:
  cmd.wait:
    - name: echo own
