/etc/web.conf:
  file.managed:
    - contents: x
    - mode: '0689'
