base:
  'lab-*': [c, a]
  '*': [a, b]
  'lab-minion': [d, c]
