src:
  test.fail_without_changes:
    - require_in:
        test: b1
b1:
  test.nop: []
