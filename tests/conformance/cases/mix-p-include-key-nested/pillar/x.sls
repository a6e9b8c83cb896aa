include:
  - y:
      key: top:sub
      defaults: {n: 5}
  - z:
      key: zz
