x:
  test.nop:
    - name: {{ nothing }}
