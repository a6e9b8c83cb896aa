{% if grains.os && grains.roles %}
/etc/web.conf:
  file.managed:
    - contents: x
{% endif %}
