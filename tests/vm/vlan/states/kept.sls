br0:
  bridge.present:
    - ports: [eth0]
    - take_over: eth0
    - stp: True
    - forward_delay: 4
vlan10:
  vlan.present:
    - link: br0
    - id: 10
    - addresses: [192.168.110.2/24]
vlan12:
  vlan.present:
    - link: br0
    - id: 12
    - addresses: [192.168.112.2/24]
    - mtu: 1400
