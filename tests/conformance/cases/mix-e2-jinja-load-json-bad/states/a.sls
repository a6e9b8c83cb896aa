{% load_json as x %}{bad{% endload %}
a:
  test.nop: []
