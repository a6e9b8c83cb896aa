base:
  '*':
    - a
  'lab-*':
    - b
    - a
  'lab-minion':
    - c
