include: [b]
src:
  test.succeed_with_changes:
    - listen_in:
      - test: nobody
x:
  cmd.wait:
    - name: echo x >> @ROOT@/x
    - listen:
      - sls: b
