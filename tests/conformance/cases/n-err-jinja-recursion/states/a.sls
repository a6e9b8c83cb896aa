{% macro m(n) %}{{ m(n+1) }}{% endmacro %}
x:
  test.nop:
    - name: {{ m(0) }}
