a-{{ pillar.get('x', 'n') }}:
  cmd.run:
    - name: echo s1-{{ pillar.get('x', 'n') }} >> @ROOT@/log
