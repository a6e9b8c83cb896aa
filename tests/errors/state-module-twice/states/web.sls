/etc/web.conf:
  file.managed:
    - contents: x
  file.absent: []
