{% for i in range(100000000) %}{% set x = i %}{% endfor %}
a: test.nop
