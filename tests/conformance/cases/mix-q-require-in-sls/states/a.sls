include: [b]
x:
  test.nop:
    - require_in:
      - sls: b
y:
  test.nop: []
