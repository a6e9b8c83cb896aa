base:
  '*':
{% for x in ['one', 'two'] %}
    - {{ x }}
{% endfor %}
    - {{ grains['role'] }}
