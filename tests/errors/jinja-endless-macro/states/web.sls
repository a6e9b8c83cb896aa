{% macro m() %}{{ m() }}{% endmacro %}
{{ m() }}
