vlan10:
  vlan.present:
    - link: br0
    - id: 13
