{% for x in none %}{% endfor %}
a:
  test.nop: []
