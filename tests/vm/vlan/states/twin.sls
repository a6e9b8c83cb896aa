vlan13:
  vlan.present:
    - link: br0
    - id: 13
vlan10-again:
  vlan.present:
    - link: br0
    - id: 10
