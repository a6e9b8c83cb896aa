b:
  test.nop:
    - names: [n2, n1, n3]
    - order: 5
a:
  test.succeed_without_changes:
    - order: 5
c:
  cmd.run:
    - names: ['true', 'echo x']
    - order: 5
d:
  test.nop:
    - names:
      - d1: [{order: last}]
      - d2: [{order: 1}]
      - d3
