base:
  '*':
{%- for r in grains.roles + pillar.extra %}
    - {{ r }}
{%- endfor %}
