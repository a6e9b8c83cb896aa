x:
  test.nop:
    - name: !!str 5
    - data: !!omap [a: 1, b: 2]
    - p: !!pairs [a: 1, a: 2]
