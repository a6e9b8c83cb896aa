
f:
  file.managed:
    - name: @ROOT@/f
    - contents: "{{ pillar.a.b[0].c }} {{ pillar['a']['b'][-1]['c'] }} {{ salt['pillar.get']('a:b:1:c') }} {{ (pillar.get('x') or {}).get('y', 'dy') }} {{ pillar.a.items() | list | length }}"
