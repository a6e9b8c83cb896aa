{% for x in 5 %}
{{ x }}: {test: [nop]}
{% endfor %}
