y:
  test.nop: []
x:
  test.nop:
    - name: z
      require:
        - test: y
