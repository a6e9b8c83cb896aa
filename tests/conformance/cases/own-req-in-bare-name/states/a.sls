first:
  test.nop: []
target_id:
  test.nop:
    - name: the-name
src:
  test.fail_without_changes:
    - require_in:
      - the-name
