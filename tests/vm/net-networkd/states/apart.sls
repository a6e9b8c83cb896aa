port-a:
  veth.present:
    - peer: end-a
port-b:
  veth.present:
    - peer: end-b
br1:
  bridge.present:
    - ports: [port-a, port-b]
    - vlan_filtering: True
    - vids: [20]
    - port_vlans:
        port-a: {pvid: 10, vids: [20, 30]}
        port-b: {pvid: 20}
