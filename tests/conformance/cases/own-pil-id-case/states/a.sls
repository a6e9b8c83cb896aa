{{ pillar.keys() | sort | join('-') }}-{{ pillar.two }}-{{ opts.id }}-{{ opts['id'] }}:
  test.nop
