{{ pillar|json }}:
  test.nop
