eth0:
  bridge.configured: []
