base:
  '*': [x, y]
  'lab*': [z]
