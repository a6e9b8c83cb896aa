{{ pillar.k }}-{{ pillar.x }}:
  test.nop
