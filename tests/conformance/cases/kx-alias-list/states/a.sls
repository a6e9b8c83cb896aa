c:
  test.nop: &l
    - name: cc
d:
  test.nop: *l
