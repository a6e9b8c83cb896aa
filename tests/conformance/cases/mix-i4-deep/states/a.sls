include: [l1]
extend:
  s3:
    test.nop:
      - require_in: [test: s1]
