{% for port in pillar.prots %}
/etc/{{ port }}: file.absent
{% endfor %}
