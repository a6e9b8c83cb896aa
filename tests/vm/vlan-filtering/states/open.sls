br0:
  bridge.present:
    - ports: [port-a, port-b, port-c]
    - vlan_filtering: False
vlan20:
  vlan.present:
    - link: br0
    - id: 20
    - addresses: [198.51.100.9/24]
