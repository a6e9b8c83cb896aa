f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {% set d = {'a': {'x': 1}} %}{% do salt.slsutil.update(d, {'a': {'y': 2}}) %}{{ d | json }}
