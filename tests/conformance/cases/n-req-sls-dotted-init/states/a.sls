include:
  - app
  - app.sub
x:
  test.nop:
    - order: 1
    - require:
      - sls: app
y:
  test.nop:
    - order: 2
    - onchanges:
      - sls: app.*
