/etc/web.conf:
  file.manged:
    - contents: x
