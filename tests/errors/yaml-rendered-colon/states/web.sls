{% set motd = 'hint: quote me' %}
/etc/web.conf:
  file.managed:
    - contents: {{ motd }}
