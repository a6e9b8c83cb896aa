base:
  '( G@a:1 or G@a:2 ) and ( not I@p:z )':
    - match: compound
    - x
  'G@a:3 or ( lab* and E@.*minion )':
    - match: compound
    - y
  'L@q,lab-minion and S@10.0.0.0/8':
    - match: compound
    - z
  'P@a:^[0-9]$ and J@p:^q':
    - match: compound
    - w
