{% for k, v in pillar.ports.items() %}
{{ k }}-{{ v }}:
  test.nop
{% endfor %}
x-{{ salt['pillar.get']('ports:80', 'no') }}-{{ salt['pillar.get']('ports:True', 'no') }}:
  test.nop
