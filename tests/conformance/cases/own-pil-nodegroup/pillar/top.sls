base:
  ng:
    - match: nodegroup
    - p
  'N@ng':
    - match: compound
    - p
  '*':
    - q
