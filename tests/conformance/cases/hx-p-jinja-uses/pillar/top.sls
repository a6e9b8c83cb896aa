{% set extra = ['b'] if grains['role'] == 'web' else [] %}
base:
  '{{ grains.id }}':
    - a
{% for e in extra %}
    - {{ e }}
{% endfor %}
  'G@role:web and not G@role:db':
    - match: compound
    - c
