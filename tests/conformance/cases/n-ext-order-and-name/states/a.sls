include: [b]
extend:
  b2:
    test:
      - order: 1
  b1:
    test:
      - name: renamed
own:
  test.nop:
    - require:
      - test: renamed
