{% load_yaml as x %}
  t: |
    hello
  {% endload %}
{% load_yaml as y %}
k: |
  hello
  {% endload %}
{% load_yaml as z %}
k: |
  hello{% endload %}
{% load_yaml as w %}
k: >+
  hello

 {% endload %}
{% load_yaml as p %}
!!pairs [a: 1, a: {b: 2}]
{% endload %}
{% load_yaml as q %}
- !<tag:yaml.org,2002:pairs> [a: 1]
{% endload %}
"{{ x.t|length }} {{ y.k|length }} {{ z.k|length }} {{ w.k|length }}":
  test.nop
"{{ p|length }} {{ p[0][0] }} {{ p[1][1]['b'] }} {{ q[0][0][1] }}":
  test.nop
