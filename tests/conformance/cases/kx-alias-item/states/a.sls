c:
  test.nop:
    - &r
      require: [test: z]
d:
  test.nop:
    - *r
    - name: q
z:
  test.nop
