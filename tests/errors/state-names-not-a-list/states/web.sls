web:
  pkg.installed:
    - names: nginx
