/etc/web.conf:
  file.managed:
    - contents: {{ 80 + '80' }}
