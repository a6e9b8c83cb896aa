/etc/web.conf:
  file.managed:
    - contents: x
    cmd.run:
      - name: 'true'
