/etc/web.conf:
  file.managed:
    - contents: {{ grains.rolse[0] }}
