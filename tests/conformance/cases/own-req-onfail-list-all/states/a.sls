ok1:
  test.nop: []
bad1:
  test.fail_without_changes: []
bad2:
  test.fail_with_changes: []
skip1:
  test.nop:
    - unless: 'true'
h1:
  test.succeed_with_changes:
    - onfail:
      - test: ok1
      - test: bad1
h2:
  test.succeed_with_changes:
    - onfail:
      - test: ok1
      - test: skip1
h3:
  test.succeed_with_changes:
    - onfail_all:
      - test: bad1
      - test: skip1
h4:
  test.succeed_with_changes:
    - onfail_all:
      - test: bad1
      - test: bad2
