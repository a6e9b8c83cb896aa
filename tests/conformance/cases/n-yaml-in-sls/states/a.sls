{% set v = {'a': [1, {'b': none}], 's': 'x: y # z', 't': "multi\nline", 'q': "it's \"q\"", 'n': '012', 'y': 'yes', 'e': '', 'u': 'é', 'lead': ' x', 'star': '*x', 'pct': '%x', 'at': '@x', 'dash': '- x', 'tilde': '~', 'num': '1e3', 'd': '2024-01-01', 'colon': 'a:', 'tab': 'a\tb'} %}
f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {{ v|yaml }}
        {{ v|yaml(False)|indent(8) }}
        {{ v|json }}
        {{ v|tojson }}
        {{ v|python }}
        {{ v|dict_to_sls_yaml_params|indent(8) }}
{% for k, x in v.items() if x is string %}
        {{ k }} {{ x|yaml_encode }} {{ x|yaml_dquote }} {{ x|yaml_squote }} {{ x|yaml }} {{ x|json }}
{% endfor %}
g:
  test.configurable_test_state:
    - name: {{ v.s|yaml_encode }}
    - changes: False
    - result: True
    - comment: {{ v.t|yaml_dquote }}
h:
  file.serialize:
    - name: @ROOT@/h
    - formatter: yaml
    - dataset: {{ v|json }}
i:
  file.serialize:
    - name: @ROOT@/i
    - formatter: json
    - dataset: {{ v|yaml }}
