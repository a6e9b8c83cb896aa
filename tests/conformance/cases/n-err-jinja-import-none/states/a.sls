{% from 'none.jinja' import x %}
y:
  test.nop
