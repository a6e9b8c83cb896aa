
x:
  test.configurable_test_state:
    - changes: {1: 2}
{% load_yaml as d %}
1: a
2: b
null: c
1.5: d
{% endload %}
f:
  file.managed:
    - name: @ROOT@/f
    - contents: "{{ d.keys()|list }} {{ d[1] }}"
