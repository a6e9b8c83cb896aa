vlan20:
  vlan.absent: []
br0:
  bridge.absent:
    - force: True
