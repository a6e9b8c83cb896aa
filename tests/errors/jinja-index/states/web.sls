{% set ports = [80] %}
/etc/web.conf:
  file.managed:
    - contents: {{ ports[1] }}
