a:
  test.nop:
    - name: {{ salt['cmd.run']('/no/such/prog') }}
