include: [b]
extend:
  f:
    - name: x
