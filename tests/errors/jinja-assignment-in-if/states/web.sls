{% if grains.os = 'Debian' %}
/etc/web.conf:
  file.managed:
    - contents: x
{% endif %}
