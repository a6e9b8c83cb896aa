base:
  'role:kind:stor.*e':
    - match: pillar_pcre
    - a
  'role:kind:storage':
    - match: pillar_exact
    - b
  'role:kind:stor*':
    - match: pillar_exact
    - c
  'l:a1':
    - match: pillar
    - d
  'I@role:kind:storage and J@l:b.':
    - match: compound
    - e
