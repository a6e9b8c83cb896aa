include: [b]
extend:
  - f:
      test:
        - name: x
