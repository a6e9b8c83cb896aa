{{ pillar.get('a') }}-{{ pillar.get('b') }}-{{ pillar.get('z') }}:
  test.nop
