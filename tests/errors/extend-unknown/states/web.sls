extend:
  nginx:
    service:
      - watch:
        - file: /etc/web.conf
/etc/web.conf:
  file.managed:
    - contents: x
