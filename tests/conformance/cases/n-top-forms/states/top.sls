base:
  'lab*':
    - one
  '*-minion and G@k:v':
    - match: compound
    - two
  'G@k:w or P@k:^v$':
    - match: compound
    - three
  'not lab*':
    - match: compound
    - bad
  'L@lab-minion,b':
    - match: compound
    - four
  'k:v':
    - match: grain
    - five
  'deep:k:*':
    - match: grain
    - six
  'p:q':
    - match: pillar
    - seven
  'I@p:q and not E@web.*':
    - match: compound
    - eight
  '( G@k:v and I@p:z ) or lab-minion':
    - match: compound
    - nine
  'S@127.0.0.0/8':
    - match: compound
    - ten
  'lab-minio?':
    - eleven
  'lab-[a-m]inion':
    - twelve
  'p:q*':
    - match: pillar_exact
    - bad
