
include: [lib]
x:
  test.nop:
    - require:
      - sls: lib
y:
  test.nop:
    - onchanges:
      - sls: lib.sub
