base:
  'other': [gone]
  '*': [x]
