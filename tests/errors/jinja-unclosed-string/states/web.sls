/etc/web.conf:
  file.managed:
    - contents: {{ 'abc }}
