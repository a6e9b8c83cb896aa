vm1:
  test.nop:
    - mac: 52:54:00:12:34:56
