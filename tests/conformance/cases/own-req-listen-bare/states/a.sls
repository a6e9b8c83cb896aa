svc:
  test.nop:
    - listen:
      - c1
      - unknown
c1:
  test.succeed_with_changes: []
