base:
  '*': [d, e]
