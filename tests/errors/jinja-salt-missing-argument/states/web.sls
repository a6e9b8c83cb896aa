/etc/web.conf:
  file.managed:
    - contents: {{ salt['grains.get']() }}
