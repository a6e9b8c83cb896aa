f:
  file.managed:
    - name: @ROOT@/f
    - contents:
      - "{{ salt['pillar.get']('a:l:0') }} {{ salt['pillar.get']('a:l:x', 'd') }} {{ salt['pillar.get']('a:d:e:f') }} {{ salt['pillar.get']('a.d', delimiter='.') }} {{ salt['pillar.get']('a:t') }} {{ salt['pillar.get']('a:n', 'dd') }} {{ salt['pillar.get']('a:z', {}) }}"
      - "{{ salt['pillar.get']('a:d', {'x': 1, 'e': {'q': 1}}, merge=True) }} {{ salt['pillar.item']('a:t', 'nope') }} {{ salt['pillar.keys']('a') }} {{ pillar['a']['l'][-1] }} {{ pillar.a.d.e.f }}"
