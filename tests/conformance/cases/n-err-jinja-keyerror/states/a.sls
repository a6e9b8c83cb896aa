x:
  test.nop:
    - name: {{ pillar['nokey'] }}
