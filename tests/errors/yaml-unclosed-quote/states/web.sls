/etc/web.conf:
  file.managed:
    - contents: 'it
    - mode: '0644'
