base:
  '*': [x]
prod:
  '*': [y]
