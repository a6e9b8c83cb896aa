
src:
  test.fail_with_changes:
    - listen_in: [test: tgt]
src2:
  test.fail_without_changes:
    - listen_in: [test: tgt2]
tgt:
  test.succeed_without_changes: []
tgt2:
  cmd.wait:
    - name: echo tgt2 >> @ROOT@/log
tgt3:
  cmd.wait:
    - name: echo tgt3 >> @ROOT@/log
    - listen: [test: src]
