base:
  '*':
    - net
