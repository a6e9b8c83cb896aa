{% import 'gone.jinja' as g %}
x:
  test.nop: []
