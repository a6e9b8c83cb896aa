br-lab:
  bridge.present:
    - ports: [enp1s0]
    - take_over: enp1s0
