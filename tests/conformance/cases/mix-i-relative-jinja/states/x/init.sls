include:
{% for s in ['b','c'] %}
  - .{{ s }}
{% endfor %}
