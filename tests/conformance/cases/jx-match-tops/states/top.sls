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
  'web-0[!2]':
    - d
  '* and not web-02 or ( L@a,b and I@x:y )':
    - match: compound
    - e
  'P@role:(web|app)$ and I@k:v and J@k:^v$ and S@10.0.0.0/8 or N@x or *01':
    - match: compound
    - f
