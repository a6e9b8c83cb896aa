192.168.110.12/24:
  address.absent:
    - link: vlan10
vlan10:
  vlan.absent: []
vlan11:
  vlan.present:
    - link: eth0
    - id: 11
    - addresses: [192.168.110.12/24]
