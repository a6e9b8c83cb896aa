b1:
  file.managed:
    - name: @ROOT@/b1
    - contents: x
b2:
  cmd.run:
    - name: echo b2 >> @ROOT@/log
