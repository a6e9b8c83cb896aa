base:
  '*':
    - ignore_missing: True
    - p
    - ghost
