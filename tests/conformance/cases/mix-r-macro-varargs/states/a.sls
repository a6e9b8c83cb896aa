
{%- macro m(a, b='x') -%}
{{ a }}|{{ b }}|{{ varargs }}|{{ kwargs }}|{{ m.name }}|{{ m.arguments }}|{{ m.catch_kwargs }}|{{ m.catch_varargs }}
{%- endmacro %}
f:
  file.managed:
    - name: @ROOT@/f
    - contents:
      - {{ m(1, 2, 3, 4, z=5) | yaml_dquote }}
      - {{ m(1) | yaml_dquote }}
