{% from 'b.jinja' import x %}
a:
  test.nop: []
