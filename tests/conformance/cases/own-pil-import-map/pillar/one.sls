{% import_yaml 'map.yaml' as m %}
{% from 'macros.jinja' import mac with context %}
{% set x = 1 %}
k: {{ m.v }}
j: {{ mac('p') }}
