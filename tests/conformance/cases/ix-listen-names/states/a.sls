src:
  test.succeed_with_changes:
    - names: [n1, n2]
lst:
  cmd.wait:
    - names: [echo a, echo b]
    - listen: [test: n1]
lst2:
  test.nop:
    - names: [p, q]
    - listen: [test: src]
