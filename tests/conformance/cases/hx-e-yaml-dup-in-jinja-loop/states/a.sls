{% for n in ['a', 'a'] %}
id-{{ n }}: {test: [nop]}
{% endfor %}
