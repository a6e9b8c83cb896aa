{% set r = grains.get('role') %}
base:
  '*': [{{ r }}]
  'role:web':
    - match: grain
    - g
  'not-this': [bad]
