/etc/web.conf:
  file.managed:
    - contents: {{ grains['os_familly'] }}
