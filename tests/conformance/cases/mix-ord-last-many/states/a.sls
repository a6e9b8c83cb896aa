
c:
  test.nop: [order: last]
b:
  cmd.run:
    - name: "true"
    - order: last
a:
  test.nop:
    - order: last
    - names: [n2, n1]
d:
  test.nop:
    - order: -1
e:
  test.nop: [{order: -10}]
