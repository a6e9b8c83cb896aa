{% import 'b.jinja' as b %}
a:
  test.nop: []
