base:
  'n:k:v*':
    - match: grain
    - x
  'l:two':
    - match: grain
    - y
  'n:no:v':
    - match: grain
    - z
