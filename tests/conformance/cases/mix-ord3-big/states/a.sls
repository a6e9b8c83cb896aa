{% for i in range(12) %}
s{{ i }}:
  test.nop:
    - order: {{ [5, 1, "last", "first", -1, -3, 100, 5, 1, "first", "last", 20000][i] }}
{% endfor %}
plain:
  test.nop: []
plain2:
  cmd.run:
    - name: "true"
