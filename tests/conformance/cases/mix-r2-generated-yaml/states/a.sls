
{% set states = {} %}
{% for n in range(3) %}
{% do states.update({'gen-' ~ n: {'test.nop': [{'name': 'n' ~ n}, {'order': 3 - n}]}}) %}
{% endfor %}
{{ states | yaml(False) }}
