{% set forms = [
 ('u', ['true','false']), ('u', ['true','true']), ('u', ['false','false']), ('o', ['true','false']), ('o', ['true','true']), ('u', []), ('o', []), ('u', ''), ('o', ''), ('o', none), ('u', none), ('o', 5), ('u', 0), ('o', [true]), ('o', [false]), ('u', [true]), ('u', [false]), ('o', ['']), ('u', [''])] %}
{% for k, v in forms %}
s{{ loop.index }}:
  test.succeed_with_changes:
    - {{ 'unless' if k == 'u' else 'onlyif' }}: {{ v|json }}
{% endfor %}
