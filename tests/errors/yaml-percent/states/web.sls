/etc/web.conf:
  file.managed:
    - contents: %wheel ALL
