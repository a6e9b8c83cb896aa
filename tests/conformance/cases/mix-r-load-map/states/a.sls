
{% import_yaml 'd.yaml' as d %}
{% import_json 'j.json' as j %}
{% import_text 't.txt' as t %}
{% load_yaml as y %}
a: {{ d.a }}
l: [1, 2]
{% endload %}
{% load_json as z %}{"k": [{{ d.a }}]}{% endload %}
{% set merged = salt['slsutil.merge'](d, y) %}
f:
  file.managed:
    - name: @ROOT@/f
    - contents:
      - {{ merged | json | yaml_squote }}
      - {{ j | json | yaml_squote }}
      - {{ z.k | yaml_dquote }}
      - {{ t | yaml_dquote }}
