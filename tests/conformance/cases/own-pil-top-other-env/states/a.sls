{{ pillar.get('k', 'none') }}:
  test.nop
