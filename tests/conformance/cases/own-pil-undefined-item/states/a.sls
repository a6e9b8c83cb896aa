{{ pillar['nope'] }}:
  test.nop
