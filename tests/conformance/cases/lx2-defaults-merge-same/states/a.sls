f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {% set d = {'a': 1} %}{% set e = salt['defaults.merge'](d, {'b': 2}) %}{% do e.update({'c': 3}) %}{{ d | json }}
