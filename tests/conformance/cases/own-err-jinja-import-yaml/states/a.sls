{% import_yaml 'd.yaml' as d %}
x:
  test.nop: []
