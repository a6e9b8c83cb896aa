#!jinja|yaml
t: {{ grains.id }}
