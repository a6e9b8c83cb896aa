{% if false %}
{{ 1 + }}
{% endif %}
y: {test: [nop]}
