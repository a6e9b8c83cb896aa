base:
  'web-(?!02)\d+':
    - match: pcre
    - a
  'E@^(?!db).*$ and not G@role:db':
    - match: compound
    - b
  'role:^w(?=eb)':
    - match: grain_pcre
    - c
