include: [b]
exclude:
  - id: x
extend:
  x:
    test:
      - name: other
