
{% set d = {'b': {'n': 2}, 'a': {'n': 1}} %}
{% for k in d | sort %}
{{ k }}:
  test.nop:
    - name: {{ d[k].n }}{{ d[k]['n'] }}
{% endfor %}
{% for k, v in d | dictsort if v.n > 1 %}
"only-{{ k }}":
  test.nop: []
{% endfor %}
