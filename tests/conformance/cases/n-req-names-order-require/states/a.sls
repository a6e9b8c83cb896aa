x:
  test.succeed_with_changes:
    - names:
      - n1
      - n2
      - n3
    - require:
      - test: y
y:
  test.nop:
    - names:
      - m2
      - m1
z:
  test.nop:
    - require:
      - test: n2
    - order: first
