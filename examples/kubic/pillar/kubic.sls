kubic:
  control_plane: '00:00:00:11:11:11'
  workers:
    - '00:00:00:22:22:22'
  nodes:
    '00:00:00:11:11:11':
      name: cplane
      address: 10.77.0.11
    '00:00:00:22:22:22':
      name: worker
      address: 10.77.0.12
