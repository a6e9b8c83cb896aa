x-{{ grains.nosuch }}:
  test.nop
