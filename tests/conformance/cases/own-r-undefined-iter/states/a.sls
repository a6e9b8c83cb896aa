{% for x in nope %}{% endfor %}
a: test.nop
