a:
  test.nop:
    - name:
b:
  test.nop:
    - name: ""
c:
  test.nop:
    - name: 0
d:
  test.nop:
    - name: [x]
