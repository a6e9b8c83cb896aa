br0:
  bridge.present:
    - ports: [eth0]
    - take_over: eth0
    - confirm: {within: 15s}
