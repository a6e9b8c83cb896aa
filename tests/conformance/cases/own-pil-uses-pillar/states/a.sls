{{ pillar.j }}:
  test.nop
