{{ pillar.a }}-{{ pillar.b.k }}-{{ pillar.c }}:
  test.nop
