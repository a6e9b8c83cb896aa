/etc/web.conf:
  file:
    - contents: x
