{{ pillar.k }}{{ pillar.x }}{{ pillar.get('o') }}:
  test.nop
