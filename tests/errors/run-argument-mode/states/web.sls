/etc/lab-no-such.conf:
  file.managed:
    - contents: x
    - mode: '0689'
