base:
  '*': [b, a]
