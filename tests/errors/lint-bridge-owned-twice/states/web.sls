br0:
  bridge.present:
    - ports: [eth0]
br1:
  bridge.present:
    - ports: [eth0]
