x:
  test.nop:
    - name: {{ nothing.more }}
