web:
  test.nop:
    - require:
      - pkg: nginx
