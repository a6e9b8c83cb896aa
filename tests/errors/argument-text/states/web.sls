/etc/web.conf:
  file.managed:
    - user:
        name: root
