/etc/web.conf:
  file.managed:
    - contnets: x
