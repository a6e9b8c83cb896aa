{% if nope is defined %}x{% endif %}
{{ nope | default('a') }}-{{ pillar.get('x') }}-{{ grains.get('nope') }}-{{ grains.get('nope', 'd') }}-{{ salt['grains.get']('nope') }}-{{ salt['grains.get']('nope:x', 'd') }}-{{ pillar.nope | default('pd') }}:
  test.nop
