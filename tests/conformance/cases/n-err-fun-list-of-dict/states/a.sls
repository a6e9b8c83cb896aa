x:
  test.nop:
    - name: a
      other: b
