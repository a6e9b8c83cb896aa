{% do nope.append(1) %}
a:
  test.nop: []
