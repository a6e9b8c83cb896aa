{% set g = salt['pillar.get'] %}
s:
  file.managed:
    - name: @ROOT@/out
    - contents:
      - "1 {{ g('a:b:c') }}"
      - "2 {{ g('a:b:d', 'def') }}"
      - "3 {{ g('a|b|c', delimiter='|') }}"
      - "4 {{ g('a:l:0') }}"
      - "5 {{ g('a:l:1:q') }}"
      - "6 {{ g('a:l:q') }}"
      - "7 {{ g('e', 'def') }}"
      - "8 {{ g('n', 'def') }}"
      - "9 {{ g('f', 'def') }}"
      - "10 {{ g('z', 'def') }}"
      - "11 {{ g('nope') }}"
      - "12 {{ g('nope', none) }}"
      - "13 {{ g('a:l:7', 'out') }}"
      - "14 {{ g('a', {}) | tojson | replace('"', "'") }}"
      - "15 {{ g('a:b', {'d': 2}, merge=True) | tojson | replace('"', "'") }}"
      - "16 {{ g('nope', {'d': 2}, merge=True) | tojson | replace('"', "'") }}"
      - "17 {{ pillar.get('a:b:c', 'plain') }}"
      - "18 {{ salt['pillar.keys']('a') | sort }}"
      - "19 {{ salt.pillar.fetch('a:b:c') if 'pillar.fetch' in salt else 'nofetch' }}"
