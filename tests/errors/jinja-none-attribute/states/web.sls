{% set web = none %}
/etc/web.conf:
  file.managed:
    - contents: {{ web.port.first }}
