base:
  'G@os:Debian and (':
    - web
