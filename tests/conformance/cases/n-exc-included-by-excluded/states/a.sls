include: [b]
exclude:
  - sls: b
own:
  test.nop:
    - require:
      - sls: c
