/etc/web.conf:
  file.managed:
    - contents: x
    - makedirs True
