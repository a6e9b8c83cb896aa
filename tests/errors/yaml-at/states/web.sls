/etc/web.conf:
  file.managed:
    - contents: @daily
