
{%- macro inner(x) -%}<{{ x }}>{%- endmacro %}
{%- macro outer(xs) -%}
{%- for x in xs %}{{ inner(x) }}{% if not loop.last %},{% endif %}{% endfor -%}
{%- endmacro %}
f:
  file.managed:
    - name: @ROOT@/f
    - contents: "{{ outer([1,2,3]) }}{{ outer([]) }}"
