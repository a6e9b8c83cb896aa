{% import_yaml 'd.yaml' as d %}
{% for k, v in d.items() %}
{{ k }} {{ v|json }}:
  test.nop
{% endfor %}
