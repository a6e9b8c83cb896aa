# for x in y
{%- set x = 'a' -%}
{{ x }}:
  test.nop:
    {%- if true %}
    - name: n
    {%- else %}
    - name: m
    {%- endif %}
{{- '' }}
b: test.nop
