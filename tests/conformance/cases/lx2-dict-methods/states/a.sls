f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {% set d = {'a': 1} %}{% do d.setdefault('b', []).append(1) %}{% set _ = d.update(c=2) %}{{ d }} {{ d.pop('a') }} {{ d.popitem() }} {{ d }}
