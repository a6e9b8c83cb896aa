x:
  test.nop:
    - name: {{ salt.nosuch.fn() }}
