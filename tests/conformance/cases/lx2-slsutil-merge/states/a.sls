f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {% set d = {'a': {'x': 1}} %}{% set e = salt['slsutil.merge'](d, {'a': {'y': 2}}) %}{{ d | json }} {{ e | json }}
