vlan20:
  vlan.absent: []
bond1:
  bond.absent:
    - force: True
