{% set c = salt['config.get']('nope:deeper', default={'a': 1}) %}
f:
  file.managed:
    - name: @ROOT@/f
    - contents: '{{ c.a }} {{ salt.pillar.get('m:l:1', 'no') }} {{ salt['pillar.get']('m:x', {'d': 1}, merge=True) }} {{ pillar.get('zz', 7) }} {{ salt.grains.get('num') }} {{ grains.get('nest', {}).get('k') }}'
