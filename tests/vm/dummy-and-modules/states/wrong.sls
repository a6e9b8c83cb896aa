net.bridge.no-such-thing:
  sysctl.present:
    - value: 1
