{% set 5 = x %}
a:
  test.nop: []
