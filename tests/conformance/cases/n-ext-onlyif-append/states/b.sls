x:
  cmd.run:
    - name: echo x
    - onlyif: 'true'
y:
  cmd.run:
    - name: echo y
    - onlyif:
      - 'true'
