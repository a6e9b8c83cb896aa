{% macro port(n) %}{{ n }}{% endmacro %}
/etc/web.conf:
  file.managed:
    - contents: {{ port(1, 2) }}
