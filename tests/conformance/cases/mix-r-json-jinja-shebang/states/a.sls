#!jinja|json
{"x": {"test.nop": [{"name": "{{ 1 + 1 }}"}]}}
