include: [d.*]
x:
  test.nop:
    - require:
      - sls: d.*
y:
  test.nop:
    - onchanges: [sls: d.p]
z:
  test.nop:
    - onfail: [sls: d.q]
