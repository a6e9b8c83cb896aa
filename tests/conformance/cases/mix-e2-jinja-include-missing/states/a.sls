{% include 'nope.j2' %}
a:
  test.nop: []
