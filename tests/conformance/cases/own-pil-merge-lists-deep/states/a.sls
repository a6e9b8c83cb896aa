{{ pillar.a.x.l }}-{{ pillar.a.x.m | json }}-{{ pillar.a.s }}:
  test.nop
