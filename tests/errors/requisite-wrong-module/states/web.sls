/etc/web.conf:
  file.managed:
    - contents: x
web:
  test.nop:
    - watch:
      - pkg: /etc/web.conf
