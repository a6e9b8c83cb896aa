{% include 'headr.jinja' %}
/etc/web.conf:
  file.managed:
    - contents: x
