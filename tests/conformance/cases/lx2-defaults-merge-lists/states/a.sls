f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {% set d = {'a': {'b': 1}, 'l': [1]} %}{% set i = d.a %}{% do salt['defaults.merge'](d, {'a': {'c': 2}, 'l': [2]}, merge_lists=True) %}{{ d | json }} {{ i | json }}
