{% macro m(a) %}{{ a }}{% endmacro %}
a:
  test.nop:
    - name: {{ m(b=1) }}
