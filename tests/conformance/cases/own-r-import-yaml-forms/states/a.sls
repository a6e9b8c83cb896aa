{% import_yaml 'd/x.yaml' as y %}
{% import_json 'd/x.json' as j %}
{% import_text 'd/x.txt' as t %}
{% load_json as lj %}{"a": [true]}{% endload %}
{% load_text as lt %}some {{ 'x' }}{% endload %}
{{ y.a }}|{{ j.k }}|{{ t | trim }}|{{ lj.a }}|{{ lt }}: test.nop
