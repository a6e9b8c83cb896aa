include: [b]
extend:
  f:
    file:
      - absent
