br1:
  bridge.present:
    - ports: [eth1, port-a, port-b]
    - vlan_filtering: True
    - vids: [20]
    - port_vlans:
        eth1: {vids: [10, 20]}
        port-a: {pvid: 10}
port-a:
  veth.present:
    - peer: end-a
port-b:
  veth.present:
    - peer: end-b
vlan20:
  vlan.present:
    - link: br1
    - id: 20
    - addresses: [192.168.120.5/24]
