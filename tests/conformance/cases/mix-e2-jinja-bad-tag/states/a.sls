{% foo %}
a:
  test.nop: []
