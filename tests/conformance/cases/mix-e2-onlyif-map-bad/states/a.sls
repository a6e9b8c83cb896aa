a:
  test.nop:
    - onlyif:
      - nofun: x
