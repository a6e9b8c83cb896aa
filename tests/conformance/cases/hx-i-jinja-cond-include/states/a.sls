{% set roles = salt['pillar.get']('roles', ['web']) %}
include:
{% for r in roles %}
  - roles.{{ r }}
{% endfor %}
{% if 'db' in roles %}
  - common
{% endif %}
done:
  test.nop:
    - require:
{% for r in roles %}
      - sls: roles.{{ r }}
{% endfor %}
