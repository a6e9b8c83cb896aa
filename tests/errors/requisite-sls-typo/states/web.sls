include:
  - common
web:
  test.nop:
    - require:
      - sls: comon
