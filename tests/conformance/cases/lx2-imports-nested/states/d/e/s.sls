{% from tpldir ~ '/n.jinja' import r %}
{% import './o.jinja' as o %}
x-{{ r }}-{{ o.q }}-{{ tpldir }}-{{ sls }}-{{ slspath }}-{{ tplfile }}-{{ tpldot }}-{{ tplroot|default('x') }}:
  test.nop
