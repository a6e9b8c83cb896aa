#!jinja|yaml
id: {{ grains['id'] }}
o: {{ opts.id }}
