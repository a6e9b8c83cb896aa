z1:
  test.nop:
    - require: []
    - onchanges: []
    - onfail: []
    - watch: []
z2:
  test.nop:
    - prereq: []
    - listen: []
    - require_any: []
