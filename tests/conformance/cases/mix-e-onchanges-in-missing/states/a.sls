a:
  test.succeed_with_changes:
    - onchanges_in: [zz]
    - onfail_in: [qq]
b:
  test.nop: []
