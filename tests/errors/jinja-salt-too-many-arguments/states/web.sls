/etc/web.conf:
  file.managed:
    - contents: {{ salt['pillar.keys']('a', 'b') }}
