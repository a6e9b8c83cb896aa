include: [b]
extend:
  b1:
    test:
      - require: [test: own]
      - comment: x
  b2:
    cmd:
      - names: [echo 1, echo 2]
      - require_in: [test: b1]
own:
  test.nop
