/etc/web.conf:
  file.replace:
    - repl: x
