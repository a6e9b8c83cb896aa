#!jinja|json
{"{{ 'c' }}": {"test.nop": []}}
