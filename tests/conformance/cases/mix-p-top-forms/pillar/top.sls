base:
  'E@lab-.*': [x]
  'lab-minion,other':
    - match: list
    - y
  'G@role:web and not G@role:db':
    - match: compound
    - z
  'lab-m[a-i]nion': [w]
  'role:w*':
    - match: grain
    - v
  'role:^w.b$':
    - match: grain_pcre
    - u
  '10.0.0.0/8':
    - match: ipcidr
    - t
