base:
  '*': [one, two]
  'lab*': [three]
