{% from 'map.jinja' import m with context %}
{{ m.pkg }}-{{ m.opts | json }}: test.nop
{{ m.opts.keys() | list }}: test.nop
{{ m | tojson }}x: test.nop
