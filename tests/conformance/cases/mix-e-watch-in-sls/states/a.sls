a:
  test.nop:
    - watch_in:
      - sls: b
