x:
  test.nop: here
    - name: a
