{% set x = 'p' %}
base:
  '{{ grains.id }}':
    - {{ x }}
