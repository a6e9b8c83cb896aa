bad:
  test.fail_without_changes
x:
  test.nop:
    - require:
      - test: bad
    - retry:
        attempts: 3
        interval: 0
