{% if nope %}{% endif %}
a: test.nop
