
{% macro outer() %}[{{ caller('o') }}]{% endmacro %}
{% macro inner() %}({{ caller() }}){% endmacro %}
f:
  file.managed:
    - name: @ROOT@/f
    - contents: "{% call(x) outer() %}{{ x }}{% call inner() %}in{{ x }}{% endcall %}{% endcall %}"
