same:
  test.nop: []
other:
  test.nop: []
same:
  cmd.run:
    - name: 'true'
