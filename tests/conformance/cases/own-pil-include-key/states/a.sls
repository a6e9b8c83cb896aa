{{ pillar.k }}-{{ pillar.sub.deeper.k }}:
  test.nop
