a:
  test.nop:
    - name: {{ loop.index }}
