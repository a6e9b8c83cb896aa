include:
{% for x in ['b', 'c'] %}
  - {{ x }}
{% endfor %}
