/etc/web.conf:
  file.managed:
    - contents: {{ 1 / 0 }}
