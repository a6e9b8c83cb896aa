{% macro m(a) %}{{ a }}{% endmacro %}
a:
  test.nop:
    - name: x{{ m() }}
