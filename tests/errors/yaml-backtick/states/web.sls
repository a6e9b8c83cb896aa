/etc/web.conf:
  file.managed:
    - contents: `date`
