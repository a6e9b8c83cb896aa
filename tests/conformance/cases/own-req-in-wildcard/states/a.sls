src:
  test.nop:
    - watch_in:
      - test: t*
t1:
  test.nop: []
t2:
  test.nop: []
