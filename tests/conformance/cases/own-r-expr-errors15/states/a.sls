{% set x = 1 %}{% macro x %}{% endmacro %}
