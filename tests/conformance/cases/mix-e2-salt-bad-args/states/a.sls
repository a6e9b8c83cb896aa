a:
  test.nop:
    - name: {{ salt['test.ping'](1, 2, 3) }}
