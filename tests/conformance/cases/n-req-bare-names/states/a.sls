x:
  test.nop:
    - require:
      - n2
y:
  test.nop:
    - names:
      - n1
      - n2
z:
  test.nop:
    - require:
      - y
