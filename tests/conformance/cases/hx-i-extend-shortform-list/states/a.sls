include: [b]
extend:
  x:
    test.succeed_with_changes:
      - name: other
  y:
    test.nop
