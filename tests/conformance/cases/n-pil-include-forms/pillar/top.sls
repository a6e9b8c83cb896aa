base:
  '*': [main, sub]
