a:
  test.nop:
    - name: !nope x
