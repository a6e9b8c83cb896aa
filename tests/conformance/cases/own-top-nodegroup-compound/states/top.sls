base:
  'N@ng or lab*':
    - match: compound
    - a
  '*':
    - b
