{{ pillar.k }}-{{ pillar.j }}:
  test.nop
