x:
  file.managed:
    - name: @ROOT@/x
    - contents: x
    - nosuchargument: 5
y:
  test.nop:
    - whatever: [1]
