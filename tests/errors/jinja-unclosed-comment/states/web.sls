{# the web server
/etc/web.conf:
  file.managed:
    - contents: x
