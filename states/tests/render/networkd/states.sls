br0:
  bridge.present:
    - ports: [ens3]
    - take_over: ens3
    - stp: True
veth-a:
  veth.present:
    - peer: veth-b
    - port_of: br0
