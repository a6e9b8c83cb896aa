{% if grains is defind %}
/etc/web.conf:
  file.managed:
    - contents: x
{% endif %}
