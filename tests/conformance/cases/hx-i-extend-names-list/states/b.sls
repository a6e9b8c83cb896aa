x:
  test.nop:
    - name: orig
    - require:
      - test: y
y: {test: [nop]}
