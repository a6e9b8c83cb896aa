a:
  cmd.run:
    - name: echo {{ pillar.get('k', 'none') }} >> @ROOT@/log
