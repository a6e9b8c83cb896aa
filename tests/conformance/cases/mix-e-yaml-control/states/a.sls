a:
  test.nop:
    - name: "\x00b"
