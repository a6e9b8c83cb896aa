{% if true %}
x: {test: [nop]}
{% endfor %}
