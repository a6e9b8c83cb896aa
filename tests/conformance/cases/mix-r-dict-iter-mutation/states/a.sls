
{% set d = {'x': {'on': true}, 'y': {'on': false}} %}
{% for k, v in d.items() if v.on %}
{% do v.update({'name': k}) %}
"s-{{ k }}":
  test.nop:
    - name: "{{ v.name }}"
{% endfor %}
"n-{{ d|length }}-{{ d.x.name }}":
  test.nop: []
