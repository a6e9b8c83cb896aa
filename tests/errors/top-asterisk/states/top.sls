base:
  *:
    - web
