base:
  test.succeed_with_changes:
    - onlyif: 'false'
    - require:
      - test: none
user:
  test.succeed_with_changes:
    - use:
      - test: base
