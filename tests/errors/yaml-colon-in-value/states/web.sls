/etc/web.conf:
  file.managed:
    - contents: note: this: is two
