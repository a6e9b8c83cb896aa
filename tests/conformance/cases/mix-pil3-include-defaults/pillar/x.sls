include:
  - y:
      defaults: {who: me, n: [1]}
  - d.z
  - d.w:
      key: deep
own: {{ 1 + 1 }}
