/etc/web.conf:
  file.managed:
    - contents: {{ 'a'.uper() }}
