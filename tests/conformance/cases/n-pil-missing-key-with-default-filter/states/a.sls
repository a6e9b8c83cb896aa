{{ pillar.get('x', {}).get('y', 'dd') }}-{{ pillar.nope|default('def') }}-{{ pillar.get('nope') }}-{{ salt['pillar.get']('nope:deep', 'q') }}-{{ 'x' in pillar }}:
  test.nop
