{% macro m(a, b) %}{{ a }}{{ b }}{% endmacro %}
{{ m('x') }}: test.nop
