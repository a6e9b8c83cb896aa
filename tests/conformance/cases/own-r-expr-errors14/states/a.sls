{% import_yaml 'nope.yaml' as x %}
