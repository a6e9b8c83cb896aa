/etc/web.conf:
  file.managed:
    - source: salt://web.j2
    - template: jinja
    - context: port
