{% import_yaml 'd.yaml' as d %}
f:
  file.managed:
    - name: @ROOT@/f
    - contents:
{% for k, v in d.items() %}
      - {{ (k|string ~ ' = ' ~ v|json)|json }}
{% endfor %}
