base:
  'E@web(':
    - web
