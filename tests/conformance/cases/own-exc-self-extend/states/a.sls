include: [b]
exclude:
  - id: b1
extend:
  b1:
    test:
      - name: other
