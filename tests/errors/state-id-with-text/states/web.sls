web: nginx
