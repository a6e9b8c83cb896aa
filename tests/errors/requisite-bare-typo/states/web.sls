nginx: test.nop
web:
  test.nop:
    - require:
      - ngnix
