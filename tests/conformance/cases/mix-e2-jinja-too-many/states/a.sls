{% macro m(a) %}{{ a }}{% endmacro %}
a:
  test.nop:
    - name: {{ m(1, 2) }}
