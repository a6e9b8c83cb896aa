base:
  '*': [s2]
