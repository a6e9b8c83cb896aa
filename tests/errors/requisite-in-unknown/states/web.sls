a:
  test.nop:
    - require_in:
      - test: bb
bbb: test.nop
