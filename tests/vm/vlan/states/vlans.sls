include: [kept]
vlan11:
  vlan.present:
    - link: br0
    - id: 11
    - addresses: [192.168.111.2/24]
