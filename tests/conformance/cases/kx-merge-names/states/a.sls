a:
  test.nop:
    - names: &n
      - p:
        - order: 1
      - q
b:
  cmd.run:
    - names: *n
