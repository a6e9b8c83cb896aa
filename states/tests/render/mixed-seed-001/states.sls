br0:
  bridge.present:
    - ports: [eno2]
    - take_over: eno2
    - stp: False
