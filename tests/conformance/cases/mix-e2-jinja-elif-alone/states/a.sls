{% elif x %}
a:
  test.nop: []
