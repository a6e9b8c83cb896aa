#!jinja|json5
{a: {'test.nop': []}}
