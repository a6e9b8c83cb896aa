{% if 1 == 1 %}{{ raise('bad luck') }}{% endif %}
y: {test: [nop]}
