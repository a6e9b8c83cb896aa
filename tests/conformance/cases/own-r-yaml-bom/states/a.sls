{{ '' }}a:
  test.nop:
    - name: "\u263a"
