f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {% set d = {} %}{% for x in [{'a': {'b': 1}}, {'a': {'c': 2}}] %}{% do salt['defaults.merge'](d, x) %}{% endfor %}{{ d | json }}
