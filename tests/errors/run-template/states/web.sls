/etc/lab-no-such.conf:
  file.managed:
    - source: salt://web.j2
    - template: jinja
    - context:
        port: 80
