base:
  '*':
    - p1
  'lab-*':
    - p2
  'k:v':
    - match: grain
    - p3
  'E@lab-.* and G@k:v':
    - match: compound
    - p4
  'nomatch':
    - p5
  'lab-minion,x':
    - match: list
    - p6
