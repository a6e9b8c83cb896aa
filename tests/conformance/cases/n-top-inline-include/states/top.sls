include: [other]
base:
  '*':
    - one
    - ignore_missing: True
    - ghost
