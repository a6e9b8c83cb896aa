base:
  '*':
    - one
    - ghost.*
