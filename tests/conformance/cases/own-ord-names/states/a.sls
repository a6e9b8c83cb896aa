plain:
  test.nop: []
many:
  test.nop:
    - order: 1
    - names:
      - z
      - a
      - m
late:
  test.nop:
    - order: last
    - names: [q, b]
