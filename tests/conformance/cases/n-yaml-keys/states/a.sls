{% import_yaml 'd.yaml' as d %}
{% for k, v in d.items() %}
{{ k }} {{ k.__class__.__name__ }} {{ v|json }}:
  test.nop
{% endfor %}
