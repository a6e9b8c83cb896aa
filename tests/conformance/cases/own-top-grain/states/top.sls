base:
  'role:web':
    - match: grain
    - a
  'l:y':
    - match: grain
    - b
  'n:a:b:c':
    - match: grain
    - c
  'i:5':
    - match: grain
    - d
  'b:True':
    - match: grain
    - e
  'role:w*':
    - match: grain
    - f
  'n:a:*':
    - match: grain
    - g
  'nope:x':
    - match: grain
    - h
