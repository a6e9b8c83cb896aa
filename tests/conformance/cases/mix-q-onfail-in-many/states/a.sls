
b1:
  test.fail_without_changes:
    - onfail_in: [test: h1, test: h2]
b2:
  test.succeed_with_changes:
    - onfail_in: [test: h2, test: h3]
h1:
  test.succeed_with_changes: []
h2:
  test.nop: []
h3:
  test.nop: []
after:
  test.nop:
    - onchanges: [test: h1]
