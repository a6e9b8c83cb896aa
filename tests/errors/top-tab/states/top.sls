base:
	'*':
    - web
