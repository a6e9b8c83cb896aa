
{%- set base = {'user': 'root', 'opts': ['x']} %}
{%- macro svc(name, conf=base, extra={}) %}
{%- set c = {} %}
{%- do c.update(conf) %}
{%- do c.update(extra) %}
"{{ name }}":
  file.managed:
    - name: @ROOT@/{{ name }}
    - contents: {{ c | json(sort_keys=True) | yaml_squote }}
{%- endmacro %}
{{ svc('one') }}
{{ svc('two', extra={'port': 80}) }}
{{ svc('three', {'user': 'x'}, {'opts': []}) }}
