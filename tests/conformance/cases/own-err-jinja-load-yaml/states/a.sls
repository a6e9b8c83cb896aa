{% load_yaml as d %}
a: b: c
{% endload %}
x:
  test.nop: []
