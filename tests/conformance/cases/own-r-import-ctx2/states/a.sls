{% from 'm.jinja' import nope %}
{{ nope | default('d') }}: test.nop
