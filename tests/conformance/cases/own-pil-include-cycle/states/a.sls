{{ pillar.k }}{{ pillar.a }}{{ pillar.b }}:
  test.nop
