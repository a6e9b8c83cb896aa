base:
  'web*':
    - one
