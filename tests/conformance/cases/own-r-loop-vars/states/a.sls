{% for k, v in {'b': 1, 'a': 2} | dictsort if v > 0 %}
{{ loop.index0 }}{{ loop.revindex }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.cycle('x', 'y') }}{{ loop.depth }}{{ loop.nextitem | default('nn') }}{{ loop.changed(v) }}-{{ k }}: test.nop
{% else %}
none: test.nop
{% endfor %}
{% for x in [] %}{% else %}empty: test.nop{% endfor %}
{% for x in [1, [2, [3]]] recursive %}
{%- if x is sequence %}{{ loop(x) }}{% else %}
r{{ x }}: test.nop
{% endif -%}
{% endfor %}
