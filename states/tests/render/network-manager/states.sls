br0:
  bridge.present:
    - ports: [eth0]
    - take_over: eth0
    - addresses: [192.168.110.5/24]
