{% set ns = namespace(n=0, l=[]) %}{% set x = 0 %}
{% for i in range(4) %}{% set ns.n = ns.n + i %}{% do ns.l.append(i) %}{% set x = i %}{% endfor %}
f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {{ ns.n }} {{ ns.l }} {{ x }}
