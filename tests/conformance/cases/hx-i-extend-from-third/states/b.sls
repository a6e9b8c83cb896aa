include: [c]
extend:
  c1:
    test:
      - require:
        - test: b
      - name: renamed
b: {test: [nop]}
