a1:
  test.nop
a2:
  test.fail_without_changes: []
b1:
  test.nop
x:
  test.nop:
    - require:
      - test: '[ab]1'
y:
  test.nop:
    - require:
      - test: 'a?'
z:
  test.nop:
    - require:
      - test: '[!a]*1'
