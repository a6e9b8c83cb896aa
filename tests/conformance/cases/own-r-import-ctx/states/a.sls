{% set outer = 'o' %}
{% from 'm.jinja' import v, seen, m with context %}
{% from 'm.jinja' import seen as s2, m as m2 %}
{% import 'm.jinja' as mod %}
{{ v }}-{{ seen }}-{{ m() }}-{{ s2 }}-{{ m2() }}-{{ mod.v }}-{{ mod.m() }}: test.nop
{% include 'inc.jinja' %}
{% include ['nope.jinja', 'inc2.jinja'] %}
{% include 'inc.jinja' without context ignore missing %}
