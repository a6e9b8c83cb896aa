include:
  - d:
      key: nested
      defaults: {z: 1}
a:
  m: {n: ~}
