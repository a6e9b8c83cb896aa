c: &b
  test.nop:
    - name: cc
d: *b
