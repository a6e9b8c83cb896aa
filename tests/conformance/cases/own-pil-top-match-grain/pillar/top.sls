base:
  'role:web':
    - match: grain
    - one
  'nest:a:b':
    - match: grain
    - two
  'role:db':
    - match: grain
    - three
  'G@role:web and not E@web.*':
    - match: compound
    - four
