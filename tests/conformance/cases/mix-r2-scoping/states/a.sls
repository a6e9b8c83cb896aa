
{% set x = 1 %}
{% if true %}{% set x = 2 %}{% endif %}
{% for i in [1] %}{% set x = 3 %}{% set y = 4 %}{% endfor %}
{% macro m() %}{% set x = 5 %}{{ x }}{% endmacro %}
{% with x = 6 %}{% set z = x %}{% endwith %}
f:
  file.managed:
    - name: @ROOT@/f
    - contents: "{{ x }} {{ y|default('u') }} {{ m() }} {{ z|default('u') }}"
