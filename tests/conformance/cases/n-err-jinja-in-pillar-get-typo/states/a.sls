x:
  test.nop:
    - name: {{ salt['pillar.gett']('a') }}
