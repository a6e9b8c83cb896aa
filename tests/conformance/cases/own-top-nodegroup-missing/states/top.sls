base:
  'ng':
    - match: nodegroup
    - a
  '*':
    - b
