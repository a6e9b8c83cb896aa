vlan13:
  vlan.present:
    - link: eth0
    - id: 13
