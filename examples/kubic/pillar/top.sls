base:
  '*':
    - kubic
