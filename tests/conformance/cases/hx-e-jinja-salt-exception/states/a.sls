x:
  test.nop:
    - name: {{ salt['file.read']('/no/such/file') }}
