/etc/web.conf:
  file.managed:
    - contents: {{ grains
