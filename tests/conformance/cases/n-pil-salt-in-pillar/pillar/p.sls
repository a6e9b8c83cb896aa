{% import_yaml 'data.yaml' as d %}
{% from 'm.jinja' import v %}
e: {{ salt['test.echo']('hi') }}
id: {{ grains['id'] }}
d: {{ d|json }}
m: {{ v }}
o: {{ opts.id }}
saltenv: {{ saltenv }}
sls: {{ sls }}
