base:
  'role:web':
    - match: garin
    - web
