l1:
  test.succeed_without_changes:
    - order: last
    - listen: [test: s2, test: s1]
s1:
  test.succeed_with_changes:
    - listen_in: [test: l2, test: l3]
s2:
  test.succeed_with_changes
l3:
  cmd.wait:
    - name: echo l3
l2:
  cmd.run:
    - name: echo l2
    - listen:
      - test: 's*'
l4:
  test.nop:
    - listen: [test: l1]
