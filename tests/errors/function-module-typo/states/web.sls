/etc/web.conf:
  fiel.managed:
    - contents: x
