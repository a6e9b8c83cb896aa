first:
  test.nop:
    - require_in:
      - test: from-b
      - sls: b
