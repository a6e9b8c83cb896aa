br0:
  bridge.present:
    - ports: [eno1]
    - take_over: eno1
    - stp: True
    - forward_delay: 4
