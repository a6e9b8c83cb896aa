br0:
  bridge.present:
    - ports: [port-a, port-b, port-c]
    - vlan_filtering: True
    - vids: [20]
    - port_vlans:
        port-a: {pvid: 10}
        port-b: {pvid: 10, vids: [20, 30]}
        port-c: {pvid: 20}
vlan20:
  vlan.present:
    - link: br0
    - id: 20
    - addresses: [198.51.100.9/24]
