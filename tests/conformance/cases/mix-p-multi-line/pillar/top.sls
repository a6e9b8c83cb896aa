base:
  '*': [x]
