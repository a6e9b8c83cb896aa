{{ pillar.one }}-{{ pillar.two }}-{{ pillar.web }}:
  test.nop
