base:
  'lab-minion,foo':
    - a
  '*':
    - b
