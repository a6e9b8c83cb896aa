base:
  '*':
    - parts.*
    - z*
