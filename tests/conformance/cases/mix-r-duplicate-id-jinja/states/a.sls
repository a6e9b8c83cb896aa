
{% for i in [1, 1] %}
same{{ i }}:
  test.nop: []
{% endfor %}
