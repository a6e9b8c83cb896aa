
{% macro m(n) %}{% import 'l.jinja' as l %}{% from 'l.jinja' import g with context %}{{ l.f(n) }}{{ g() }}{% endmacro %}
{% set v = 'ctx' %}
f:
  file.managed:
    - name: @ROOT@/f
    - contents: "{{ m(2) }}"
