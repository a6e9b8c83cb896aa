{% if false %}
a: test.nop
{% endif %}
