nginx: test.nop
web:
  test.nop:
    - require:
      - test: ngnix
