include: [b]
exclude:
  - id: b1
  - id: 'c*'
own:
  test.nop:
    - require:
      - test: b1
