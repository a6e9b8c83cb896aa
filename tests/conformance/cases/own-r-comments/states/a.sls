# {{ 'rendered' }}
{# {{ nope }} #}
{#- multi
line -#}
a: test.nop # {# x #}
{% raw %}
"{{ b }}": test.nop
{% endraw %}
## x
