include:
  - common
extend:
  ngnix:
    test:
      - require:
        - test: web
web: test.nop
