{% set x = 'a' ~ nope %}
a: test.nop
