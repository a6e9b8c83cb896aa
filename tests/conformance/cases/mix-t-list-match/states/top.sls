base:
  'a,lab-minion':
    - match: list
    - x
  'lab-minion':
    - y
    - x
