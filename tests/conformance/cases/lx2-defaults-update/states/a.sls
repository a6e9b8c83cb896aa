f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {% set d = {'h1': {'x': 1}, 'h2': {}} %}{% do salt['defaults.update'](d, {'x': 0, 'y': [1]}) %}{{ d | json }}
