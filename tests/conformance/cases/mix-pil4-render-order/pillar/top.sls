base:
  'lab*': [z, a]
  '*': [m]
