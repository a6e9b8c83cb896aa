a:
  test.nop:
    - aggregate: True
b:
  cmd.run:
    - name: echo b
    - aggregate: [cmd]
c:
  file.managed:
    - name: @ROOT@/c
    - contents: c
    - aggregate: False
