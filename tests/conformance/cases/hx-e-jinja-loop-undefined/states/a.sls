{% for x in nothere %}
{{ x }}: {test: [nop]}
{% endfor %}
