x:
  test.nop:
    - names:
      - {n1: [{comment: a}], n2: [{comment: b}]}
