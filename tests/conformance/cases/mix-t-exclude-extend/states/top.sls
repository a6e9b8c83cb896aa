base:
  '*': [x, y]
