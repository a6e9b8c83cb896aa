{%- load_yaml as y %}
l: [1, 2]
{%- endload %}
b: {{ y.l | sum }}
