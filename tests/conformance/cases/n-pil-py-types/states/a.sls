{% for k, v in pillar.items() %}
{{ k }} {{ v }} {{ v.__class__.__name__ }}:
  test.nop
{% endfor %}
