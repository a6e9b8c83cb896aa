l1:
  test.nop:
    - listen:
      - test: fc
l2:
  test.nop:
    - listen:
      - test: fn
fc:
  test.fail_with_changes: []
fn:
  test.fail_without_changes: []
