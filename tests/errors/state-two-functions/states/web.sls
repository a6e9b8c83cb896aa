/etc/web.conf:
  file:
    - managed
    - absent
