{{ pillar.nope }}:
  test.nop
