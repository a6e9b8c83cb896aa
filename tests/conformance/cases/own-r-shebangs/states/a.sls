#!jinja | yaml
{{ 'a' }}: test.nop
include: [b, c, d, e]
