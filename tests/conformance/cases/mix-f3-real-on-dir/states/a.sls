
{% for fun, args in [
 ('append', 'text: x'), ('prepend', 'text: x'), ('comment', 'regex: ^o'),
 ('replace', 'pattern: o'), ('touch', 'makedirs: True'), ('exists', 'x: y'), ('missing', 'x: y'), ('blockreplace', 'content: x'), ('line', 'mode: delete')] %}
{{ fun }}:
  file.{{ fun }}:
    - name: @ROOT@/dir
    - {{ args }}
    {% if fun == 'replace' %}- repl: z{% endif %}
    {% if fun == 'line' %}- match: z{% endif %}
{% endfor %}
