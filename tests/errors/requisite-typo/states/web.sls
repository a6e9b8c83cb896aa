/etc/web.conf:
  file.managed:
    - contents: x
web:
  test.nop:
    - require:
      - file: /etc/web.cnof
