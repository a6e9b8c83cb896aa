base:
  '*': [top1]
