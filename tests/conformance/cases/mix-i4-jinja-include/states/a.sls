{% set extra = salt['pillar.get']('inc', []) %}
{% if extra %}
include:
{% for e in extra %}
  - {{ e }}
{% endfor %}
{% endif %}
a:
  test.nop: []
