{{ pillar.k }}-{{ pillar.m.a }}-{{ pillar.m.b }}-{{ pillar.l }}:
  test.nop
