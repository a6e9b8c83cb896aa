base:
  '( G@role:db or G@role:web ) and not L@x,y':
    - match: compound
    - a
  '*':
    - b
