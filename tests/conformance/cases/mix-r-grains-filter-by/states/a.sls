
{% set m = salt['grains.filter_by']({
  'one': {'pkg': 'p1', 'opt': {'a': 1}},
  'two*': {'pkg': 'p2'},
  'default': {'pkg': 'pd', 'opt': {'a': 0, 'b': 9}},
}, grain='role', merge=salt['pillar.get']('m', {}), base='default') %}
f:
  file.managed:
    - name: @ROOT@/f
    - contents: {{ m | json | yaml_squote }}
