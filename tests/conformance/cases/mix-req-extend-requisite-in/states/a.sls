
include: [b, c]
extend:
  two:
    test:
      - require_in:
        - test: one
  three:
    test.nop:
      - watch:
        - test: one
