base:
{% for r in grains.roles %}
  'roles:{{ r }}':
    - match: grain
    - role.{{ r }}
{% endfor %}
