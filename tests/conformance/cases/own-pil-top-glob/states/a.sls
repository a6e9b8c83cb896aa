{{ pillar.keys() | sort | join('-') }}:
  test.nop
