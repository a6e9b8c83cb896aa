{% block a %}{% endblock %}{% block a %}{% endblock %}
x:
  test.nop: []
