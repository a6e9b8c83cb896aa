a:
  test.nop:
    - onlyif:
      - fun: test.exception
b:
  test.nop:
    - unless:
      - fun: test.exception
