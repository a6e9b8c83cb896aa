/etc/lab-no-such.conf:
  file.managed:
    - source: salt://web.cnof
