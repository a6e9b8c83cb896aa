extend:
  - web
web: test.nop
