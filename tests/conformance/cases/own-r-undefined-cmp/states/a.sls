{% if pillar.nope == 'x' %}{% endif %}
a: test.nop
