x:
  test.nop:
    - name: {{ salt.pillar.gte('x') }}
