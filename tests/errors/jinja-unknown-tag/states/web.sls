{% fro x in [1] %}
/etc/{{ x }}: file.absent
{% endfor %}
