base:
  '*':
    - d
    - d.sub
    - d.deep.er
