
{% for fun, args in [ ('directory', ['makedirs: True']), ('directory', ['mode: "0700"']), ('absent', []), ('exists', []), ('missing', []),
 ('symlink', ['target: /x']), ('append', ['text: x']), ('prepend', ['text: x']), ('comment', ['regex: ^o']),
 ('uncomment', ['regex: o']), ('replace', ['pattern: o', 'repl: p']), ('copy', ['source: @ROOT@/src']), ('rename', ['source: @ROOT@/src']),
 ('hardlink', ['target: @ROOT@/src']), ('managed', ['contents: x'])] %}
{% for path in ['new', 'file', 'dir', 'link', 'no/such'] %}
"{{ fun }}-{{ path }}-{{ (args | first | default(''))[:5] }}":
  file.{{ fun }}:
    - name: @ROOT@/{{ path }}
    {%- for a in args %}
    - {{ a }}
    {%- endfor %}
{% endfor %}
{% endfor %}
