base:
  '*':
    - 42
