{% macro m(a) %}{{ a }}{% endmacro %}
x:
  test.nop:
    - name: {{ m() }}
