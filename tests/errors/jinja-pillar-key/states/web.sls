/etc/web.conf:
  file.managed:
    - contents: {{ pillar['web']['prot'] }}
