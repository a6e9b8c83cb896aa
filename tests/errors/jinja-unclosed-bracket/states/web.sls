{% set ports = [80, 443 %}
/etc/web.conf:
  file.managed:
    - contents: x
