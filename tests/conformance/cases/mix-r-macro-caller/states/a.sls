
{%- macro box(title) -%}
{{ title }}[{{ caller(1, k=2) }}]
{%- endmacro %}
f:
  file.managed:
    - name: @ROOT@/f
    - contents: "{% call(a, k=0) box('t') %}{{ a }}-{{ k }}{% endcall %}"
