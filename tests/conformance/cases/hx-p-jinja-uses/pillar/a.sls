{% from "map.jinja" import conf, mk with context %}
{% import_yaml "data.yaml" as data %}
a: {{ conf.web | json }}
id: {{ grains.id }}
env: {{ saltenv }}
data: {{ data.x }}
mk: {{ mk('q') }}
sls: {{ sls }}
