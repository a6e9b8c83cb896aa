n:
  test.nop:
    - names: [z, a, m]
    - order: 3
o:
  test.nop:
    - names:
      - p:
        - order: 1
      - q
    - order: last
p:
  test.nop
