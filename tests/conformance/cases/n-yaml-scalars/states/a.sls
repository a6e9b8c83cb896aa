{% import_text 'd.yaml' as raw %}
{% import_yaml 'd.yaml' as d %}
f:
  file.managed:
    - name: @ROOT@/f
    - contents:
{% for k, v in d.items() %}
      - {{ (k|string ~ ' = ' ~ v ~ ' ' ~ v.__class__.__name__)|json }}
{% endfor %}
