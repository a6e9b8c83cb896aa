br0:
  bridge.present:
    - ports: [eth0]
    - take_over: eth0
    - stp: True
    - forward_delay: 4
