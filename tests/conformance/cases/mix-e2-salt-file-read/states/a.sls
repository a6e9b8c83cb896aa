a:
  test.nop:
    - name: {{ salt['file.read']('/no/such') }}
