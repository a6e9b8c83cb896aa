b1:
  test.nop:
    - require: [cmd: b2]
b2:
  cmd.run:
    - name: echo 0
