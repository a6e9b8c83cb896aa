base:
  '*':
    - one
  'web*':
    - ghost
