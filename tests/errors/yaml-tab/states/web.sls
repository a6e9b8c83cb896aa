/etc/web.conf:
	file.managed:
    - contents: x
