br0:
  bridge.present:
    - addresses:
      - 192.168.10.1/24
