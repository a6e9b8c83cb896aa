f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {% set d = {'a': 1} %}{% do salt['defaults.merge'](d, {'a': none, 'b': {'c': none}}) %}{{ d | json }}
