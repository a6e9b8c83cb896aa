{% set body %}
line
{% endset %}
{% set a, b = 1, 2 %}
{% set ns = namespace(n=0) %}
{% for i in range(3) %}{% set ns.n = ns.n + i %}{% set a = 99 %}{% endfor %}
{% set d = {} %}{% do d.update({'k': 'v'}) %}{% do d.setdefault('l', []).append(1) %}
{% set l = [] %}{% for i in range(3) %}{% if i == 1 %}{% continue %}{% endif %}{% do l.append(i) %}{% if i == 5 %}{% break %}{% endif %}{% endfor %}
{% with x = 5 %}{% set inner = x %}{% endwith %}
{% filter upper %}{% set hidden = 'h' %}low: test.nop{% endfilter %}

x-{{ body | trim }}-{{ a }}-{{ b }}-{{ ns.n }}-{{ d.k }}-{{ d.l }}-{{ l }}-{{ inner is defined }}:
  test.nop
