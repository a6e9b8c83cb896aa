base:
  'lab*':
    - x
  'lab-(minion|other)$':
    - match: pcre
    - y
  'G@role:web or E@zz.*':
    - match: compound
    - z
  'role:web':
    - match: grain
    - w
  'p:q':
    - match: pillar
    - v
  'not G@role:db and lab*':
    - match: compound
    - u
  'I@p:q':
    - match: compound
    - x
    - t
