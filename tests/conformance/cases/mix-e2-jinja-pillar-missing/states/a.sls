a:
  test.nop:
    - name: {{ pillar['nope'] }}
