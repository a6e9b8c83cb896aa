f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {% set d = {'a': 1} %}{% set e = salt['defaults.merge'](d, '') %}{{ d | json }} {{ e | json }}
