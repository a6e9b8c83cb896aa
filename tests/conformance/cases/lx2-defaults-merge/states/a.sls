f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {% set d = {'a': {'b': 1}, 'l': [1]} %}{% do salt['defaults.merge'](d, {'a': {'c': 2}, 'l': [2]}) %}{{ d | json }}
