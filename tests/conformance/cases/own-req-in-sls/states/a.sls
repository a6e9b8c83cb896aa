include:
  - b
src:
  test.fail_without_changes:
    - require_in:
      - sls: b
