base:
  'web1.*':
    - one
  'web?.lab.test':
    - two
  'WEB1*':
    - three
