ok: test.nop
/etc/web.conf:
  file.manged:
    - contents: x
