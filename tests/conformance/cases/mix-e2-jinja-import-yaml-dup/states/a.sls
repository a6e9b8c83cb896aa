{% import_yaml 'b.yaml' as b %}
a:
  test.nop: []
