br0:
  bridge.present:
    - ports: [eth0]
    - take_over: eth0
    - addresses: [192.168.100.12/24]
    - stp: True
    - forward_delay: 4
