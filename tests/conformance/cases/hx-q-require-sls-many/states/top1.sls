include:
  - app
  - net.base
last:
  test.nop:
    - require:
      - sls: app
      - sls: net.base
last2:
  test.nop:
    - require:
      - sls: net.*
last3:
  test.nop:
    - onfail:
      - sls: app
last4:
  test.nop:
    - watch:
      - sls: net.base
last5:
  test.nop:
    - onchanges:
      - sls: net.base
