{% for x in [1, 2] %}
/etc/{{ x }}:
  file.absent: []
{% endif %}
