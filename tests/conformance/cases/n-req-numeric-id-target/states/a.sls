x:
  test.nop:
    - require:
      - test: 100
'100':
  test.nop
y:
  test.nop:
    - require:
      - 100
