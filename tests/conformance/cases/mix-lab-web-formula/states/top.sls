base:
  '*':
    - web
    - site
