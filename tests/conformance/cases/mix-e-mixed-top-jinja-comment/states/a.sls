{# c #}
# {% if x is defined %} y {% endif %}
a:
  test.nop: []
